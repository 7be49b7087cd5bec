/// Removes a JPEG's metadata, and checks that its scans have all pixels.
///
/// ITU-T T.81, annex B, defines the markers. Decoders silently fill in missing pixels with gray.
enum Jpeg {
    static let signature: [UInt8] = [0xff, 0xd8, 0xff]
    private static let (scan, end, exif) = (0xda, 0xd9, 0xe1)
    // Baseline, extended and progressive, all with Huffman codes; few decoders support the other frames of T.81, table
    // B.1.
    private static let frames = 0xc0...0xc2
    private static let otherFrames = Set(0xc3...0xcf).subtracting([0xc4, 0xc8, 0xcc])
    // JFIF's and Adobe's segments define the colours; those of other applications, and comments, are metadata.
    private static let metadata = Set(0xe0...0xef).subtracting([0xe0, 0xee]).union([0xfe])
    // A progressive JPEG has about ten scans. A decoder visits the whole picture for each scan, even for a short one.
    private static let maxScans = 100
    // Bytes that no decoder takes for a marker, and that make colourful blocks if a decoder takes them for blocks.
    private static let noise = [UInt8](1..<0xff) + [UInt8](1..<0xff)

    private struct Segment {
        let kind: Int
        let begin: Int
        let body: Int
        let end: Int
    }

    /// The JPEG without metadata and without bytes after its end.
    ///
    /// - Throws: `ImageProblem`.
    static func strip(_ data: [UInt8]) throws -> Stripped {
        var block: ArraySlice<UInt8>?
        var size: (width: Int, height: Int)?
        var kept = Array(data[..<2])
        var offset = 2
        for segment in try segments(data) {
            let body = data[segment.body..<segment.end]
            if segment.kind == exif, block == nil, body.starts(with: Metadata.exifPrefix) {
                block = body.dropFirst(Metadata.exifPrefix.count)
            }
            if frames.contains(segment.kind) || otherFrames.contains(segment.kind) {
                if size != nil { throw ImageProblem.damaged("it has two frame headers") }
                size = try frame(segment.kind, body)
            }
            if !metadata.contains(segment.kind) { kept += data[segment.begin..<segment.end] }
            offset = segment.end
        }
        guard let size else { throw ImageProblem.damaged("it has no frame header") }
        kept += data[offset..<(try scans(data, from: offset).end)]
        return Stripped(
            data: kept, width: size.width, height: size.height, orientation: Metadata.exifOrientation(block)
        )
    }

    /// The file with more data after each scan. It is another picture only if a scan is too short.
    static func withNoise(_ data: [UInt8]) throws -> [UInt8] {
        var more: [UInt8] = []
        var begin = 0
        for stop in try scans(data, from: segments(data).last?.end ?? 0).stops {
            more += data[begin..<stop] + noise
            begin = stop
        }
        return more + data[begin...]
    }

    /// Each segment up to the first scan's header.
    private static func segments(_ data: [UInt8]) throws -> [Segment] {
        var found: [Segment] = []
        var stop = 2
        repeat {
            let begin = stop
            var offset = begin
            while data.holds([0xff, 0xff], at: offset) { offset += 1 }  // fill bytes
            guard offset + 4 <= data.count else { throw ImageProblem.damaged("it ends before its first scan") }
            let kind = Int(data[offset + 1])
            if data[offset] != 0xff || kind == 0 || kind == end { throw ImageProblem.damaged("it has no scan") }
            stop = try self.stop(data, offset + 2)
            found.append(Segment(kind: kind, begin: begin, body: offset + 4, end: stop))
        } while found.last?.kind != scan
        return found
    }

    /// The end of the segment whose length is at `offset`.
    private static func stop(_ data: [UInt8], _ offset: Int) throws -> Int {
        guard let length = data.number(at: offset, 2), length >= 2, offset + length <= data.count else {
            throw ImageProblem.damaged("it ends within a segment")
        }
        return offset + length
    }

    /// Width and height of a frame header.
    private static func frame(_ kind: Int, _ body: ArraySlice<UInt8>) throws -> (width: Int, height: Int) {
        func number(_ offset: Int, _ count: Int) -> Int? { body.number(at: offset, count, littleEndian: false) }
        guard frames.contains(kind), number(0, 1) == 8, let height = number(1, 2), let width = number(3, 2),
            let channels = number(5, 1)
        else { throw ImageProblem.unsupported("a JPEG that is neither baseline nor progressive with 8 bits") }
        if channels == 4 {
            throw ImageProblem.unsupported("a CMYK image, which every decoder turns into other colours")
        }
        if channels != 1 && channels != 3 { throw ImageProblem.unsupported("neither gray nor RGB") }
        return (width, height)
    }

    /// The end of each scan's data, where the first one starts at `from`; and the end of the end marker.
    private static func scans(_ data: [UInt8], from: Int) throws -> (stops: [Int], end: Int) {
        var stops: [Int] = []
        var kind = scan
        var offset = from
        while true {
            var marker = offset
            while marker + 1 < data.count, data[marker] != 0xff || !isMarker(data[marker + 1]) { marker += 1 }
            guard marker + 1 < data.count else { throw ImageProblem.damaged("it ends before its end marker") }
            if kind == scan {
                var stop = marker
                while stop > offset, data[stop - 1] == 0xff { stop -= 1 }  // fill bytes
                stops.append(stop)
            }
            if stops.count > maxScans { throw ImageProblem.damaged("it has more than \(maxScans) scans") }
            kind = Int(data[marker + 1])
            offset = marker + 2
            if kind == end { return (stops, offset) }
            offset = try stop(data, offset)
        }
    }

    /// Whether this is neither data (a byte 0xff before 0), a restart marker nor a fill byte.
    private static func isMarker(_ kind: UInt8) -> Bool { kind != 0 && kind != 0xff && !(0xd0...0xd7).contains(kind) }
}
