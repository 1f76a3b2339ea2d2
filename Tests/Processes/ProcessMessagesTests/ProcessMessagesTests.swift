import Glibc
import Testing
import WireFormat
import WireTesting

@testable import ProcessMessages

let subjects = messageSubjects + fieldSubjects + valueSubjects

@Suite("Codecs of messages between processes") struct ProcessMessagesTests {
    @Test(arguments: subjects) func `what is sent arrives`(_ subject: WireSubject) {
        #expect(subject.roundTripFaults() == [])
    }

    @Test(arguments: subjects) func `neither a cut nor a longer message is taken`(_ subject: WireSubject) {
        #expect(subject.lengthFaults() == [])
    }

    @Test(arguments: subjects) func `a changed byte is refused or means something else`(_ subject: WireSubject) {
        #expect(subject.changeFaults() == [])
    }

    @Test(arguments: subjects) func `random bytes are refused or mean what they say`(_ subject: WireSubject) {
        #expect(subject.randomFaults(seed: 0x6D61_7274_6C65_74, rounds: 1_000) == [])
    }

    @Test func `an announced count costs nothing`() async {
        await #expect(processExitsWith: .success) {
            limitMemory(to: 64 << 20)
            for subject in subjects { precondition(subject.countFaults() == []) }
        }
    }

    @Test func `a list takes memory in proportion to its bytes`() async {
        await #expect(processExitsWith: .success) {
            // A state of one byte is the smallest element there is.
            let count = 1 << 20
            var writer = WireWriter()
            writer.write(UInt8(1))
            writer.write(UInt64(1))
            writer.write(list: [RunState](repeating: .held, count: count)) { $0.encode(into: &$1) }
            limitMemory(to: 64 * count)
            let message = try SchedulerToControl(decoding: writer.bytes[...])
            precondition(message.encoded == writer.bytes)
        }
    }
}

/// Lets this process take so many bytes more, and no more.
private func limitMemory(to bytes: Int) {
    guard let file = fopen("/proc/self/statm", "r") else { fatalError("no /proc") }
    var pages = 0
    withUnsafeMutablePointer(to: &pages) { pointer in
        withVaList([pointer]) { precondition(vfscanf(file, "%ld", $0) == 1) }
    }
    fclose(file)
    let limit = rlim_t(pages * sysconf(CInt(_SC_PAGESIZE)) + bytes)
    var limits = rlimit(rlim_cur: limit, rlim_max: limit)
    precondition(setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limits) == 0)
}
