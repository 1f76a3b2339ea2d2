#!/bin/sh
# Refuses messages that name a program as an attachment: the filter in ten lines of smtpd-filters(7).
echo 'register|filter|smtp-in|data-line' ; echo 'register|filter|smtp-in|commit' ; echo 'register|ready'
bad=
while IFS='|' read -r kind version time in phase session token text; do
	case $kind:$phase in
	filter:data-line)
		case $text in *name=*.exe*) bad="$bad $session" ;; esac
		printf '%s\n' "filter-dataline|$session|$token|$text" ;;
	filter:commit)
		case $bad in *$session*) answer='reject|550 5.7.1 No programs, please' ;; *) answer=proceed ;; esac
		bad=$(printf '%s' "$bad" | sed "s/ $session//g")
		echo "filter-result|$session|$token|$answer" ;;
	esac
done
