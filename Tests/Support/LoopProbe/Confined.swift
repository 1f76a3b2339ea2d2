import EventLoop
import Glibc
import Platform

/// What still works, and what does not, after a process has confined itself. Prints the error numbers, 0 for
/// none.
enum Confined {
    /// An event loop that is killed by any other call than those of an event loop.
    @EventLoopActor static func loop() async {
        do throws(SystemError) {
            let pair = try LocalSocket.pair()
            let applied = try Confinement.apply(Confinement.Profile(calls: [], violation: .kill))
            let first = ByteStream(adopting: pair.first)
            let second = ByteStream(adopting: pair.second)
            spawn { _ = await first.write(Array("hello".utf8), deadline: .now() + 5) }
            let result = await second.read(deadline: .now() + 5)
            await pause(until: .now() + .milliseconds(2))
            let bytes = try ThisProcess.randomBytes(4).count
            // Enough to make the allocator ask the kernel.
            let room = [UInt8](repeating: 1, count: 8 << 20).count
            LoopProbe.report("calls \(applied.calls) \(result == .bytes(Array("hello".utf8))) \(bytes) \(room)")
        } catch {
            Diagnostics.fail("\(error)")
        }
    }

    static func check(_ arguments: [String]) {
        var profile = Confinement.Profile(calls: [])
        for word in arguments {
            switch word {
            case "files": profile.calls.insert(.files)
            case "sockets": profile.calls.insert(.sockets)
            case "processes": profile.calls.insert(.processes)
            case "code": profile.calls.insert(.loadingCode)
            case "kill": profile.violation = .kill
            case "nowhere": profile.paths = [:]
            case "again": continue
            default:
                let path = String(word.dropFirst(2))
                switch word.prefix(2) {
                case "r=": profile.paths = (profile.paths ?? [:]).merging([path: .read]) { $1 }
                case "w=": profile.paths = (profile.paths ?? [:]).merging([path: .readWrite]) { $1 }
                case "x=": profile.paths = (profile.paths ?? [:]).merging([path: .execute]) { $1 }
                default: Diagnostics.fail("no profile knows \(word)", code: 64)
                }
            }
        }
        do throws(SystemError) {
            let applied = try Confinement.apply(profile)
            LoopProbe.report("applied \(applied.calls) \(applied.paths)")
            if arguments.contains("again") {
                profile.paths = [:]
                let second = try Confinement.apply(profile)
                LoopProbe.report("again \(second.calls) \(second.paths)")
            }
        } catch {
            Diagnostics.fail("\(error)")
        }
        LoopProbe.report("open \(code { () throws(SystemError) in try Files.open("/etc/passwd", O_RDONLY).close() })")
        for word in arguments where word.hasPrefix("w=") || word.hasPrefix("r=") {
            let path = String(word.dropFirst(2)) + "/probe"
            LoopProbe.report("write \(code { () throws(SystemError) in try Files.open(path, O_WRONLY | O_CREAT).close() })")
            LoopProbe.report("remove \(code { () throws(SystemError) in try Files.remove(path) })")
        }
        LoopProbe.report("socket \(number(socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)))")
        // AF_PACKET sees the wire.
        LoopProbe.report("packet \(number(socket(17, CInt(SOCK_STREAM.rawValue), 0)))")
        let program = ChildProcess(path: "/bin/true", arguments: ["true"], environment: [])
        LoopProbe.report(
            "exec \(code { () throws(SystemError) in _ = try ChildProcess.wait(for: try program.start()) })")
        let memory = mmap(nil, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | CInt(MAP_ANONYMOUS), -1, 0)
        LoopProbe.report("code \(memory == MAP_FAILED ? errno : 0)")
    }

    private static func code(_ body: () throws(SystemError) -> Void) -> CInt {
        do throws(SystemError) { try body() } catch { return error.code }
        return 0
    }

    private static func number(_ result: CInt) -> CInt { result == -1 ? errno : 0 }
}
