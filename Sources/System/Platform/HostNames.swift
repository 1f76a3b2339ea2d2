import Glibc

/// What this machine is called.
package enum HostNames {
    /// The name as the kernel has it, with or without a domain.
    package static func current() throws(SystemError) -> String {
        var room = [CChar](repeating: 0, count: 257)
        let size = room.count - 1
        _ = try checked("gethostname") { gethostname(&room, size) }
        return room.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// The name with a domain: the kernel's if it has a dot, else what the resolver makes of it. May block.
    ///
    /// - Returns: Nil when nobody knows a domain.
    package static func fullyQualified() throws(SystemError) -> String? {
        let name = try current()
        if name.utf8.contains(UInt8(ascii: ".")) { return name }
        var hints = addrinfo()
        hints.ai_flags = AI_CANONNAME
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &found) == 0, let first = found else { return nil }
        defer { freeaddrinfo(first) }
        guard let canonical = first.pointee.ai_canonname else { return nil }
        let text = String(cString: canonical)
        return text.utf8.contains(UInt8(ascii: ".")) ? text : nil
    }

    /// The mail name: the first line of the file if there is one, else the full name, else the short one.
    package static func mailName(file: String) throws(SystemError) -> String {
        if let name = try firstLine(of: file) { return name }
        if let name = try fullyQualified() { return name }
        return try current()
    }

    /// Without spaces around it; nil for a missing file and for an empty line.
    private static func firstLine(of file: String) throws(SystemError) -> String? {
        let content: [UInt8]
        do throws(SystemError) {
            content = try Files.read(file, limit: 64 << 10)
        } catch {
            if error.isMissing { return nil }
            throw error
        }
        let isSpace = { (octet: UInt8) in octet == 0x20 || octet == 0x09 || octet == 0x0D }
        let line = content.prefix { $0 != UInt8(ascii: "\n") }.drop(while: isSpace)
        guard let last = line.lastIndex(where: { !isSpace($0) }) else { return nil }
        return String(decoding: line[...last], as: UTF8.self)
    }
}
