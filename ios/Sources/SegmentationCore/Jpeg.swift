/// A JPEG's bytes: what is in front of the pixels, without metadata, and whether the scans hold all of them.
///
/// ITU-T T.81, annex B, has the markers. Decoders paint what a scan lacks gray, and do not tell.
enum Jpeg {
    static let signature: [UInt8] = [0xff, 0xd8, 0xff]
    private static let (scan, end, exif) = (0xda, 0xd9, 0xe1)
    // Baseline, extended and progressive, all of Huffman codes; the other frames of T.81, table B.1, few decoders know.
    private static let frames = 0xc0...0xc2
    private static let otherFrames = Set(0xc3...0xcf).subtracting([0xc4, 0xc8, 0xcc])
    // JFIF's and Adobe's segments say how colours are coded; those of other applications, and comments, are metadata.
    private static let metadata = Set(0xe0...0xef).subtracting([0xe0, 0xee]).union([0xfe])
    // A progressive JPEG has about ten. Each is gone through for all of the picture, however few bytes it has.
    private static let maxScans = 100
    // Bytes that no decoder takes for a marker, and that make blocks of many colours if it takes them for blocks.
    private static let noise = [UInt8](1..<0xff) + [UInt8](1..<0xff)

    private struct Segment {
        let kind: Int
        let begin: Int
        let body: Int
        let end: Int
    }

    /// A JPEG without metadata and without what follows its end.
    ///
    /// - Throws: `ImageProblem`.
    static func strip(_ data: [UInt8]) throws -> Stripped {
        var block: ArraySlice<UInt8>?
        var size: (width: Int, height: Int)?
        var kept = Array(data[..<2])
        var place = 2
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
            place = segment.end
        }
        guard let size else { throw ImageProblem.damaged("it has no frame header") }
        kept += data[place..<(try scans(data, from: place).end)]
        return Stripped(
            data: kept, width: size.width, height: size.height, orientation: Metadata.exifOrientation(block)
        )
    }

    /// The file with more data behind each scan. Only where a scan is too short is it another picture.
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
            var place = begin
            while data.holds([0xff, 0xff], at: place) { place += 1 }  // fill bytes
            guard place + 4 <= data.count else { throw ImageProblem.damaged("it ends before its first scan") }
            let kind = Int(data[place + 1])
            if data[place] != 0xff || kind == 0 || kind == end { throw ImageProblem.damaged("it has no scan") }
            stop = try self.stop(data, place + 2)
            found.append(Segment(kind: kind, begin: begin, body: place + 4, end: stop))
        } while found.last?.kind != scan
        return found
    }

    /// The end of the segment whose length is at `place`.
    private static func stop(_ data: [UInt8], _ place: Int) throws -> Int {
        guard let length = data.number(at: place, 2), length >= 2, place + length <= data.count else {
            throw ImageProblem.damaged("it ends within a segment")
        }
        return place + length
    }

    /// Width and height of a frame header.
    private static func frame(_ kind: Int, _ body: ArraySlice<UInt8>) throws -> (width: Int, height: Int) {
        func number(_ place: Int, _ count: Int) -> Int? { body.number(at: place, count, littleEndian: false) }
        guard frames.contains(kind), number(0, 1) == 8, let height = number(1, 2), let width = number(3, 2),
            let channels = number(5, 1)
        else { throw ImageProblem.unsupported("a JPEG that is neither baseline nor progressive with 8 bits") }
        if channels == 4 {
            throw ImageProblem.unsupported("a CMYK image, which every decoder turns into other colours")
        }
        if channels != 1 && channels != 3 { throw ImageProblem.unsupported("neither gray nor RGB") }
        return (width, height)
    }

    /// Where the data of each scan stops, the first of which begins at `from`; and the end of the end marker.
    private static func scans(_ data: [UInt8], from: Int) throws -> (stops: [Int], end: Int) {
        var stops: [Int] = []
        var kind = scan
        var place = from
        while true {
            var marker = place
            while marker + 1 < data.count, data[marker] != 0xff || !isMarker(data[marker + 1]) { marker += 1 }
            guard marker + 1 < data.count else { throw ImageProblem.damaged("it ends before its end marker") }
            if kind == scan {
                var stop = marker
                while stop > place, data[stop - 1] == 0xff { stop -= 1 }  // fill bytes
                stops.append(stop)
            }
            if stops.count > maxScans { throw ImageProblem.damaged("it has more than \(maxScans) scans") }
            kind = Int(data[marker + 1])
            place = marker + 2
            if kind == end { return (stops, place) }
            place = try stop(data, place)
        }
    }

    /// Not a byte 0xff of a scan's data, which 0 follows, nor a restart marker, nor a fill byte.
    private static func isMarker(_ kind: UInt8) -> Bool { kind != 0 && kind != 0xff && !(0xd0...0xd7).contains(kind) }
}
