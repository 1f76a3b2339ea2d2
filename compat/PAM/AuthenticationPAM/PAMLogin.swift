#if PAM
import Authentication
import CPAM
import Glibc

/// Asks PAM whether a user may log in (pam(3)). Blocks, for seconds after a wrong password: for a process that does
/// nothing else.
package enum PAMLogin {
    /// The name of our service: /etc/pam.d/smtpd.
    private static let service = "smtpd"

    /// - Parameters:
    ///   - user: Without a NUL.
    ///   - remoteHost: The client's address, for modules that count or log by it.
    package static func compare(_ password: [UInt8], user: String, remoteHost: String?) -> PasswordVerdict {
        guard !password.contains(0), password.count < Int(PAM_MAX_RESP_SIZE) else { return .wrong }
        let answers = Answers(password: password)
        var conversation = pam_conv(conv: converse, appdata_ptr: Unmanaged.passUnretained(answers).toOpaque())
        var handle: OpaquePointer?
        // The conversation and its answers outlive the handle, which is ended below.
        return withExtendedLifetime(answers) {
            guard pam_start(service, user, &conversation, &handle) == PAM_SUCCESS, let handle else {
                return .unavailable("PAM cannot be started")
            }
            if let remoteHost { _ = pam_set_item(handle, PAM_RHOST, remoteHost) }
            // Modules that look at terminals want a name for one.
            _ = pam_set_item(handle, PAM_TTY, service)
            let flags = Int32(bitPattern: PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK)
            var result = pam_authenticate(handle, flags)
            if result == PAM_SUCCESS { result = pam_acct_mgmt(handle, flags) }
            let verdict = verdict(result, handle)
            pam_end(handle, result)
            return verdict
        }
    }

    private static func verdict(_ result: Int32, _ handle: OpaquePointer) -> PasswordVerdict {
        switch result {
        case PAM_SUCCESS:
            return .right
        case PAM_AUTH_ERR, PAM_USER_UNKNOWN, PAM_PERM_DENIED, PAM_MAXTRIES, PAM_ACCT_EXPIRED, PAM_NEW_AUTHTOK_REQD,
            PAM_AUTHTOK_EXPIRED, PAM_CRED_EXPIRED, PAM_CRED_INSUFFICIENT:
            return .wrong
        default:
            let text = pam_strerror(handle, result).map { String(cString: $0) } ?? "error \(result)"
            return .unavailable("PAM: \(text)")
        }
    }

    private final class Answers {
        let password: [UInt8]
        init(password: [UInt8]) { self.password = password }
    }

    /// Answers the modules: the password to whatever asks for something that is not shown, nothing to the rest.
    private static let converse:
        @convention(c) (
            Int32, UnsafeMutablePointer<UnsafePointer<pam_message>?>?, UnsafeMutablePointer<UnsafeMutablePointer<pam_response>?>?,
            UnsafeMutableRawPointer?
        ) -> Int32 = { count, messages, responses, context in
            guard count > 0, count <= PAM_MAX_NUM_MSG, let messages, let responses, let context,
                let memory = calloc(Int(count), MemoryLayout<pam_response>.stride)
            else { return PAM_CONV_ERR }
            let answers = Unmanaged<Answers>.fromOpaque(context).takeUnretainedValue()
            // `count` zeroed responses; PAM frees them and their texts.
            let list = memory.bindMemory(to: pam_response.self, capacity: Int(count))
            for index in 0..<Int(count) {
                switch messages[index]?.pointee.msg_style {
                case PAM_PROMPT_ECHO_OFF:
                    list[index].resp = strndup(answers.password)
                    if list[index].resp == nil { return abandon(list, Int(count)) }
                case PAM_ERROR_MSG, PAM_TEXT_INFO:
                    break
                case PAM_PROMPT_ECHO_ON, nil, .some:
                    // A question that a mail client cannot be asked, such as for a second factor.
                    return abandon(list, Int(count))
                }
            }
            responses.pointee = list
            return PAM_SUCCESS
        }

    private static func strndup(_ octets: [UInt8]) -> UnsafeMutablePointer<CChar>? {
        // Room for the final NUL, which calloc has set.
        guard let memory = calloc(octets.count + 1, 1) else { return nil }
        memory.copyMemory(from: octets, byteCount: octets.count)
        return memory.bindMemory(to: CChar.self, capacity: octets.count + 1)
    }

    private static func abandon(_ list: UnsafeMutablePointer<pam_response>, _ count: Int) -> Int32 {
        for index in 0..<count { free(list[index].resp) }
        free(list)
        return PAM_CONV_ERR
    }
}
#endif
