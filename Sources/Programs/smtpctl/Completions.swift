import Envelopes
import Glibc
import Rules

/// `completion SHELL`: the script that makes a shell complete the words of smtpctl, from the table of commands.
enum Completions {
    static func print(for shell: String, _ output: Output) -> Never {
        let script = script(for: shell, commands: Commands.all)
        if output.asJSON {
            output.write(.object(["shell": .text(shell), "script": .text(script)]))
        } else {
            output.write(Array(script.utf8))
        }
        exit(0)
    }

    /// - Parameter shell: `bash`, `zsh` or `fish`.
    static func script(for shell: String, commands: [Command]) -> String {
        let lines = Set(commands.map { words($0).joined(separator: " ") }).sorted()
        switch shell {
        case "zsh": return zsh(lines)
        case "fish": return fish(lines)
        default: return bash(lines)
        }
    }

    /// Keywords as they are, parameters as a letter between colons, which no keyword holds.
    private static func words(_ command: Command) -> [String] {
        command.tokens.map { token in
            switch token {
            case .word(let word): word
            case .filter: ":filter:"
            case .facts: ":facts:"
            case .events: ":fevents:"
            case .envelopeID, .messageID: ":id:"
            case .text, .routeID, .address: ":any:"
            }
        }
    }

    private static let filters = "id= from= to= domain= user= uid= older= newer= kind= state="
    private static let events = HistoryFilter.Key.allCases.map { $0.rawValue + "=" }.joined(separator: " ")
    private static let facts = ExplanationQuestion.facts.map { $0 + "=" }.joined(separator: " ")

    private static func bash(_ lines: [String]) -> String {
        """
        # bash completion of smtpctl(8), made by `smtpctl completion bash`.
        _smtpctl() {
            local line word next i fits words=() typed=() current=${COMP_WORDS[COMP_CWORD]}
            for ((i = 1; i < COMP_CWORD; i++)); do
                [[ ${COMP_WORDS[i]} == --json ]] || typed+=("${COMP_WORDS[i]}")
            done
            COMPREPLY=()
            # `=` separates words here: what stands behind it is not completed.
            [[ $current == *=* || ${COMP_WORDS[COMP_CWORD - 1]} == "=" ]] && return
            while read -r line; do
                read -r -a words <<< "$line"
                fits=1
                for ((i = 0; i < ${#typed[@]}; i++)); do
                    word=${words[i]}
                    [[ ${words[-1]} == :f*: && $i -ge $((${#words[@]} - 1)) ]] && continue
                    [[ $word == :*: || $word == "${typed[i]}" ]] || { fits=; break; }
                    [[ -n $word ]] || { fits=; break; }
                done
                [[ -n $fits ]] || continue
                next=${words[${#typed[@]}]}
                [[ ${words[-1]} == :f*: && ${#typed[@]} -ge ${#words[@]} ]] && next=${words[-1]}
                case $next in
                    :filter:) COMPREPLY+=($(compgen -W "\(filters)" -- "$current")); compopt -o nospace ;;
                    :facts:) COMPREPLY+=($(compgen -W "\(facts)" -- "$current")); compopt -o nospace ;;
                    :fevents:) COMPREPLY+=($(compgen -W "\(events)" -- "$current")); compopt -o nospace ;;
                    :id:) COMPREPLY+=($(compgen -W "$(smtpctl show queue 2>/dev/null | head -n 200 | cut -c 1-16)" -- "$current")) ;;
                    :any:) ;;
                    *) [[ -n $next ]] && COMPREPLY+=($(compgen -W "$next" -- "$current")) ;;
                esac
            done << 'END'
        \(lines.joined(separator: "\n"))
        END
            COMPREPLY=($(printf '%s\\n' "${COMPREPLY[@]}" | sort -u))
        }
        complete -F _smtpctl smtpctl

        """
    }

    private static func zsh(_ lines: [String]) -> String {
        """
        #compdef smtpctl
        # zsh completion of smtpctl(8), made by `smtpctl completion zsh`.
        _smtpctl() {
            local line word next i fits
            local -a typed parts choices filters
            typed=(${${words[2,CURRENT-1]}:#--json})
            for line in "${(f)$(_smtpctl_commands)}"; do
                parts=(${(s: :)line})
                fits=1
                for ((i = 1; i <= $#typed; i++)); do
                    [[ $parts[-1] == :f*: && $i -ge $#parts ]] && continue
                    [[ -n $parts[i] && ( $parts[i] == :*: || $parts[i] == $typed[i] ) ]] || { fits=; break }
                done
                [[ -n $fits ]] || continue
                next=$parts[$#typed+1]
                [[ $parts[-1] == :f*: && $#typed -ge $#parts ]] && next=$parts[-1]
                case $next in
                    :filter:) filters=(\(filters)) ;;
                    :facts:) filters=(\(facts)) ;;
                    :fevents:) filters=(\(events)) ;;
                    :id:) choices+=(${(f)"$(smtpctl show queue 2>/dev/null | head -n 200 | cut -c 1-16)"}) ;;
                    :any:|'') ;;
                    *) choices+=($next) ;;
                esac
            done
            (( $#choices )) && compadd -- ${(u)choices}
            (( $#filters )) && compadd -S '' -- $filters
        }
        _smtpctl_commands() {
            cat << 'END'
        \(lines.joined(separator: "\n"))
        END
        }
        _smtpctl "$@"

        """
    }

    private static func fish(_ lines: [String]) -> String {
        """
        # fish completion of smtpctl(8), made by `smtpctl completion fish`.
        function __smtpctl_next
            set -l typed (string match -v -- --json (commandline -opc)[2..])
            set -l count (count $typed)
            for line in \(lines.map { "'\($0)'" }.joined(separator: " "))
                set -l words (string split ' ' -- $line)
                set -l fits 1
                for i in (seq $count)
                    string match -q ':f*:' -- $words[-1]; and test $i -ge (count $words); and continue
                    if test $i -gt (count $words)
                        set fits 0
                    else if not string match -q ':*:' -- $words[$i]; and test "$words[$i]" != "$typed[$i]"
                        set fits 0
                    end
                end
                test $fits = 1; or continue
                set -l place (math $count + 1)
                set -l next
                test $place -le (count $words); and set next $words[$place]
                string match -q ':f*:' -- $words[-1]; and test $count -ge (count $words); and set next $words[-1]
                switch "$next"
                    case :filter:
                        string split ' ' -- '\(filters)'
                    case :facts:
                        string split ' ' -- '\(facts)'
                    case :fevents:
                        string split ' ' -- '\(events)'
                    case :id:
                        smtpctl show queue 2>/dev/null | head -n 200 | cut -c 1-16
                    case :any: ''
                    case '*'
                        echo $next
                end
            end | sort -u
        end
        complete -c smtpctl -f -a '(__smtpctl_next)'
        complete -c smtpctl -l json -d 'Answer in JSON'

        """
    }
}
