import Glibc
import Platform

/// A copy of a program that can be started at once.
///
/// Another process makes it: a descriptor that this one had open for writing could be inherited by a child that
/// another test starts at that moment, and the kernel does not start a program that somebody may still write.
package func copyProgram(_ source: String, to target: String) throws(SystemError) {
    let process = try ChildProcess(path: "/bin/cp", arguments: ["cp", "--", source, target], environment: []).start(
        error: STDERR_FILENO)
    guard try ChildProcess.wait(for: process).isSuccess else { throw SystemError("copy \(source)", code: EIO) }
    guard chmod(target, 0o755) == 0 else { throw SystemError("chmod \(target)") }
}
