import Platform
import ProcessMessages
import QueueEncryption
import QueueStorage
import RoleProcess

/// Compression and encryption of what is queued: the options, and the keys that this process alone holds.
extension QueueProcess {
    package func take(_ use: QueueKeyUse, from file: consuming OwnedDescriptor) throws(ViewRefused) {
        let text: SecretBytes
        do throws(SystemError) {
            text = try SecretBytes(contentsOf: file, limit: QueueKey.longestText)
        } catch {
            throw ViewRefused("key of the queue: \(error)")
        }
        do throws(QueueKey.Problem) {
            ciphers[use] = QueueCipher(try QueueKey.read(text))
        } catch {
            throw ViewRefused("key of the queue: \(error)")
        }
    }

    /// What the view asks for, with the keys that are there.
    var wrapping: PayloadWrapping {
        let settings = view.settings
        let backup = settings.backupEncryption == nil ? nil : ciphers[.backup]
        return PayloadWrapping(
            compressor: compressor, compresses: settings.usesCompression,
            cipher: settings.encryption == nil ? nil : ciphers[.current], formerCiphers: backup.map { [$0] } ?? [])
    }

    /// After a reload: what comes from now on is kept as the new view wants it.
    func wrapAnew(_ store: LogStore) {
        store.use(wrapping)
        noteOtherKeys(in: store)
        planUpkeep()
    }

    /// Tells whoever changed the key how long the one before is still needed.
    func noteOtherKeys(in store: LogStore) {
        let count = store.messagesUnderOtherKeys
        hasOtherKeys = count > 0
        guard hasOtherKeys else { return }
        context.log.info(
            "spool: \(count == 1 ? "1 message was" : "\(count) messages were") kept with another key, or without one")
    }

    /// Tells them once it is not needed any more. Upkeep has moved what it could.
    func noteEndOfOtherKeys(in store: LogStore) {
        guard hasOtherKeys, store.messagesUnderOtherKeys == 0 else { return }
        hasOtherKeys = false
        context.log.info("spool: all messages are kept with the present key")
    }
}
