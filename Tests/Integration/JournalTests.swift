import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    /// In a mount namespace of its own, so that the machine's journal hears nothing of it: only root can make one.
    @Suite("log to journal, with a real systemd-journald (smtpd.conf(5))", .enabled(if: geteuid() == 0, "needs root for a mount namespace"))
    struct JournalTests {
        /// Runs a journal and a daemon beside it, sends a message, ends both, and prints the daemon's entries as JSON.
        private static let script = """
            set -eu
            mount -t tmpfs -o mode=755 tmpfs /run
            mkdir -p /run/systemd/journal /run/log/journal
            if ! [ -s /etc/machine-id ]; then
                echo 0123456789abcdef0123456789abcdef > /run/machine-id
                mount --bind /run/machine-id /etc/machine-id
            fi
            # What it keeps stays in this directory.
            mkdir -p /run/conf
            printf '[Journal]\\nStorage=volatile\\nForwardToSyslog=no\\nReadKMsg=no\\nAudit=no\\n' > /run/conf/journald.conf
            mount --bind /run/conf/journald.conf /etc/systemd/journald.conf
            /lib/systemd/systemd-journald >/dev/null 2>&1 &
            journal=$!
            trap 'kill $journal 2>/dev/null || true' EXIT
            for i in $(seq 100); do [ -S /run/systemd/journal/socket ] && break; sleep 0.1; done
            export MARTLET_SPOOL="$1/spool" HOME="$1"
            as="setpriv --reuid $3 --regid $4 --clear-groups --"
            $as "$2/smtpd" -F -f "$1/smtpd.conf" &
            daemon=$!
            trap 'kill $daemon $journal 2>/dev/null || true' EXIT
            for i in $(seq 300); do $as "$2/smtpctl" show stats >/dev/null 2>&1 && break; sleep 0.1; done
            printf 'Subject: x\\n\\nx\\n' | $as "$2/sendmail" -f ada@client.example alice@test.example
            for i in $(seq 300); do [ "$(ls "$1/home/alice/Maildir/new" 2>/dev/null)" ] && break; sleep 0.1; done
            sleep 0.2
            kill $daemon
            wait $daemon || true
            # What has come is in the file after this.
            kill -USR1 $journal
            sleep 0.5
            kill $journal
            wait $journal || true
            journalctl --no-pager -o json --file "$(find /run/log/journal -name system.journal)" SYSLOG_IDENTIFIER=smtpd
            """

        @Test func `entries are read back by journalctl, with the values of their lines as fields`() throws {
            let server = try Server.standard(more: "log to journal")
            let user = OrdinaryUser.current
            let run = try Programs.run(
                "/usr/bin/unshare",
                [
                    "--mount", "--propagation", "private", "sh", "-c", Self.script, "sh", server.scratch.path, Programs.directory,
                    String(user.uid), String(user.gid),
                ], environment: [], identity: nil)
            #expect(run.code == 0, "\(run.error)")
            let entries = run.lines
            func entry(_ parts: String...) -> Bool { entries.contains { entry in parts.allSatisfy { entry.contains($0) } } }
            #expect(entry("\"MESSAGE\":\"smtpd ready", "\"PRIORITY\":\"6\"", "\"SYSLOG_FACILITY\":\"2\"") || entry("smtpd ready", "\"PRIORITY\":\"6\""), "\(run.output)\(run.error)")
            #expect(entry("smtp message msgid=", "\"SMTPD_MSGID\":\"", "\"SMTPD_FROM\":\"<ada@client.example>\"") || entry("smtp message msgid=", "\"SMTPD_MSGID\":\"", "ada@client.example"), "\(run.output)")
            #expect(entry("\"SMTPD_EVPID\":\"", "mda"), "\(run.output)")
            // The journal knows by itself who has written.
            #expect(entries.allSatisfy { $0.contains("\"_UID\":\"\(user.uid)\"") && $0.contains("\"_TRANSPORT\":\"journal\"") }, "\(run.output)")
        }
    }
}
