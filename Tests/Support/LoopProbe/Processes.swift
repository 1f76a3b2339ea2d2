import Glibc
import Platform

/// What a process sees of itself after the calls that change it.
enum Processes {
    static func title(_ arguments: [String]) {
        attempt { () throws(SystemError) in
            let before = getenv("PROBE").map { String(cString: $0) } ?? "unset"
            try ThisProcess.setTitle(arguments.first ?? "")
            let shown = try Files.read("/proc/self/cmdline").prefix { $0 != 0 }
            let name = try Files.read("/proc/self/comm").prefix { $0 != 0x0A }
            let after = getenv("PROBE").map { String(cString: $0) } ?? "unset"
            LoopProbe.report(
                [String(decoding: shown, as: UTF8.self), String(decoding: name, as: UTF8.self), before, after]
                    .joined(separator: "|"))
        }
    }

    /// The open descriptors, the environment, the session, the signals, the directory, mask and limit.
    static func inherited() {
        attempt { () throws(SystemError) in
            // One of them is the directory that is being listed.
            LoopProbe.report("descriptors " + (try Files.list("/proc/self/fd").joined(separator: " ")))
            LoopProbe.report("arguments \(CommandLine.arguments.count)")
            let environment = try Files.read("/proc/self/environ").split(separator: 0)
            LoopProbe.report("environment " + environment.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " "))
            LoopProbe.report("leader \(getsid(0) == getpid())")
            for line in try Files.read("/proc/self/status").split(separator: 0x0A) {
                let text = String(decoding: line, as: UTF8.self)
                let wanted = ["SigBlk:", "SigIgn:", "Umask:", "Uid:", "Gid:", "Groups:"]
                if wanted.contains(where: { text.hasPrefix($0) }) {
                    LoopProbe.report(text.split { $0 == "\t" || $0 == " " }.joined(separator: " "))
                }
            }
            var limit = rlimit()
            _ = try checked("getrlimit") { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
            LoopProbe.report("files \(limit.rlim_cur)")
            guard let directory = getcwd(nil, 0) else { throw SystemError("getcwd") }
            LoopProbe.report("directory \(String(cString: directory))")
        }
    }

    /// Drops to a user and group in a root directory, and tries to come back.
    static func drop(_ arguments: [String]) {
        guard arguments.count == 2, let id = UInt32(arguments[0]) else { Diagnostics.fail("drop id root", code: 64) }
        attempt { () throws(SystemError) in
            try Privileges.drop(to: Identity(uid: id, gid: id, groups: [id]), chroot: arguments[1])
            LoopProbe.report("ids \(getuid()) \(geteuid()) \(getgid()) \(getegid()) \(getgroups(0, nil))")
            LoopProbe.report("back \(setuid(0)) \(seteuid(0)) \(setgid(0))")
            LoopProbe.report("root " + (try Files.list("/").joined(separator: " ")))
        }
    }

    /// Reads a file as a user, then as itself again.
    static func acting(_ arguments: [String]) {
        guard arguments.count == 2, let id = UInt32(arguments[0]) else { Diagnostics.fail("acting id file", code: 64) }
        attempt { () throws(SystemError) in
            do throws(SystemError) {
                _ = try Privileges.acting(as: Identity(uid: id, gid: id, groups: [id])) { () throws(SystemError) in
                    LoopProbe.report("as \(geteuid()) \(getegid()) \(getgroups(0, nil))")
                    return try Files.read(arguments[1])
                }
                LoopProbe.report("read")
            } catch {
                LoopProbe.report("refused \(error.code)")
            }
            LoopProbe.report("again \(geteuid()) \(getegid()) \(try Files.read(arguments[1]).count)")
        }
    }

    /// Whether a lock is free.
    static func lock(_ arguments: [String]) {
        guard arguments.count == 2 else { Diagnostics.fail("lock kind file", code: 64) }
        let lock = arguments[0] == "flock" ? FileLock.flock : .record
        attempt { () throws(SystemError) in
            let file = try Files.open(arguments[1], O_RDWR)
            LoopProbe.report("\(try lock.acquire(file))")
        }
    }

    private static func attempt(_ body: () throws(SystemError) -> Void) {
        do { try body() } catch { Diagnostics.fail("\(error)") }
    }
}
