import XCTest

@testable import GoldenTestKit

/// Under which conditions a run measures.
final class ConditionsTests: XCTestCase {
    func testThermalStatesHaveAndroidsNames() {
        XCTAssertEqual((0...3).map(Conditions.thermal), ["none", "light", "severe", "critical"])
        XCTAssertNil(Conditions.thermal(4))
        XCTAssertNil(Conditions.thermal(-1))
    }

    func testTheConfigurationDebugIsTold() {
        // Tests are built in it.
        XCTAssertEqual(Conditions.now().debuggable, true)
    }

    func testWhatHappensWhileItMeasuresIsKept() {
        var (before, after) = (Conditions(), Conditions())
        (before.debuggable, before.lowPower, before.thermalBefore, before.thermalAfter) = (false, true, "none", "none")
        (after.lowPower, after.thermalBefore, after.thermalAfter) = (false, "severe", "severe")
        let whole = before.until(after)
        XCTAssertEqual([whole.thermalBefore, whole.thermalAfter], ["none", "severe"])
        XCTAssertEqual([whole.lowPower, whole.debuggable], [true, false])
        XCTAssertEqual(after.until(before).lowPower, true)
        XCTAssertNil(Conditions().until(Conditions()).lowPower)
    }

    func testABundleHasTheKeysOfTheContract() throws {
        var found = Conditions()
        (found.debuggable, found.lowPower, found.thermalBefore, found.thermalAfter) = (true, false, "none", "light")
        let keys = try JSONSerialization.jsonObject(with: JSONEncoder().encode(found)) as? [String: Any]
        XCTAssertEqual(keys?.keys.sorted(), ["debuggable", "low_power", "thermal_after", "thermal_before"])
        XCTAssertEqual(try JSONDecoder().decode(Conditions.self, from: JSONEncoder().encode(found)), found)
    }
}
