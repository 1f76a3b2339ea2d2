import SMTPProtocol
import Testing

@Suite("Phases of filters (smtpd-filters(7))") struct PhaseTests {
    @Test(arguments: FilterPhase.allCases.filter { $0 != .unknown }) func `is found by its word`(_ phase: FilterPhase) {
        #expect(FilterPhase(word: phase.word.utf8) == phase)
    }

    @Test func `is not found by another word`() {
        #expect(FilterPhase(word: "connect ".utf8) == nil)
        #expect(FilterPhase(word: "".utf8) == nil)
    }
}
