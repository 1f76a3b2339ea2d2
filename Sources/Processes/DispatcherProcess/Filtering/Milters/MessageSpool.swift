import EventLoop
import Platform
import ProcessMessages
import RoleProcess

/// The body of a message that is kept until it has been looked at: in memory up to a bound, behind that in a file
/// without a name that the queue lends.
///
/// Written once from front to end, then read as often as it takes.
@EventLoopActor
final class MessageSpool {
    /// Octets in memory.
    static let maximumInMemory = 128 << 10
    /// Octets of one piece that is read.
    static let pieceSize = 64 << 10

    private let scratch: @EventLoopActor () async -> ScratchFile
    private var memory: [UInt8] = []
    private var file: File?
    private var fileSize = 0
    private var isAsking = false
    private var waiters: [UnsafeContinuation<Void, Never>] = []
    /// What went wrong; what is appended then is forgotten.
    private(set) var failure: QueueRefusal?

    /// A descriptor that a property can hold and calls can borrow.
    private final class File {
        let descriptor: OwnedDescriptor
        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }

    /// - Parameter scratch: Gets a file.
    init(scratch: @escaping @EventLoopActor () async -> ScratchFile) { self.scratch = scratch }

    var isEmpty: Bool { memory.isEmpty && fileSize == 0 }

    func append(_ bytes: [UInt8]) {
        guard failure == nil else { return }
        memory += bytes
        guard memory.count > Self.maximumInMemory else { return }
        if file == nil { ask() } else { spill() }
    }

    /// More is in memory than should be.
    var isUnsettled: Bool { isAsking }

    /// Waits until what was appended is where it belongs, so that memory stays bounded.
    func settled() async {
        guard isAsking else { return }
        await withUnsafeContinuation { waiters.append($0) }
    }

    private func ask() {
        guard !isAsking else { return }
        isAsking = true
        spawn { [self] in
            switch await scratch() {
            case .file(let box):
                if let descriptor = box.take() {
                    file = File(descriptor)
                    spill()
                } else {
                    give(up: .failure)
                }
            case .refused(let refusal): give(up: refusal)
            }
            isAsking = false
            let waiting = waiters
            waiters = []
            for waiter in waiting { waiter.resume() }
        }
    }

    private func spill() {
        guard let file else { return }
        do throws(SystemError) {
            try Files.writeAll(file.descriptor, memory)
            fileSize += memory.count
            memory = []
        } catch {
            give(up: error.isOutOfSpace ? .outOfSpace : .failure)
        }
    }

    private func give(up refusal: QueueRefusal) {
        failure = refusal
        memory = []
    }

    /// The octets behind an offset, some of them; empty at the end, nil when the file cannot be read.
    func piece(at offset: Int) -> [UInt8]? {
        guard offset < fileSize else { return Array(memory[min(offset - fileSize, memory.count)...].prefix(Self.pieceSize)) }
        guard let file else { return nil }
        do throws(SystemError) {
            let bytes = try Files.readSome(file.descriptor, at: offset, count: min(Self.pieceSize, fileSize - offset))
            return bytes.isEmpty ? nil : bytes
        } catch {
            return nil
        }
    }
}

/// What the queue has lent.
enum ScratchFile: Sendable {
    case file(DescriptorBox)
    case refused(QueueRefusal)
}
