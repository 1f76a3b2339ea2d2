import Glibc
import Platform

/// A Debian package whose programs tests run without its being installed. `packaging/dependencies test` unpacks it.
package enum UnpackedPackage {
    /// Where the package's root directory lies.
    ///
    /// - Throws: ``ServerFailure`` that says how to get it.
    package static func root(of name: String) throws -> String {
        // Found from the place of this file.
        let repository = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let place = "\(repository)/.build/unpacked/\(name)"
        guard access(place + "/.complete", F_OK) == 0 else {
            throw ServerFailure("\(place) is not there: run packaging/dependencies test")
        }
        return place
    }
}
