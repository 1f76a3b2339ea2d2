import Envelopes
import Platform

/// What could not be understood is kept for people to look at, and out of the way of sound messages.
extension LogStore {
    package func setAside(_ message: MessageID) -> StoreWarning? {
        guard let indexed = index.messages[message.rawValue] else { return nil }
        var problem = "damaged, kept in corrupt/\(message)"
        do throws(SystemError) {
            if indexed.hasFile {
                try device.rename(Self.largeName(message), to: "corrupt/\(message)")
            } else if let segment = segment(indexed.segment) {
                // Body and message record stand next to each other.
                let bytes = try device.read(segment.file, at: Int(indexed.bodyOffset), count: Int(indexed.size))
                try keep(bytes, as: "corrupt/\(message)")
            }
        } catch {
            problem = "damaged, and no copy could be kept: \(error)"
        }
        index.removeAll(of: message.rawValue)
        bodies.remove(message)
        verified.remove(message)
        otherFileKeys.remove(message)
        pending.append(.gone(message, numbers: [], hasFile: indexed.hasFile))
        if indexed.hasFile { reserved.insert(message) }
        return StoreWarning(name: message.description, problem: problem)
    }

    /// Writes a copy unless one of that name is there. False when it was.
    @discardableResult
    func keep(_ bytes: [UInt8], as name: String) throws(SystemError) -> Bool {
        guard try device.status(name) == nil else { return false }
        let file = try device.create(name)
        defer { device.close(file) }
        if !bytes.isEmpty { try device.write(bytes, to: file, at: 0) }
        return true
    }

    /// Moves a file of whatever type into `corrupt`, under a name that is free there.
    func setAside(file name: String, because problem: String) {
        let base = name.split(separator: "/").last.map(String.init) ?? name
        do throws(SystemError) {
            var target = "corrupt/" + base
            while try device.status(target) != nil {
                target = "corrupt/\(base).\(Self.hexadecimal(UInt32(truncatingIfNeeded: random())))"
            }
            try device.rename(name, to: target)
            warnings.append(StoreWarning(name: name, problem: "\(problem), moved to \(target)"))
        } catch {
            warnings.append(StoreWarning(name: name, problem: "\(problem), and cannot be moved: \(error)"))
        }
    }
}
