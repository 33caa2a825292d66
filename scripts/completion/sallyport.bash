# SPDX-License-Identifier: BSD-2-Clause
# bash completion for sallyport(8). Commands and options come from the program's own help, so that
# they are never out of step with it.

_sallyport_commands() {
	sallyport --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

_sallyport_options() {
	sallyport ${1:+"$1"} --help 2>/dev/null |
		grep -oE '^  (-[a-zA-Z], |    )--[a-z.-]+' | grep -oE -- '--[a-z.-]+'
}

_sallyport_drop_reasons() {
	sallyport reasons 2>/dev/null | awk '$2 == "drop" { print $1 }'
}

_sallyport_interfaces() {
	local path

	for path in /sys/class/net/*; do
		printf '%s\n' "${path##*/}"
	done
}

_sallyport() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command="" word index

	COMPREPLY=()
	for ((index = 1; index < COMP_CWORD; index++)); do
		word=${COMP_WORDS[index]}
		case $word in
		--catalogs | --pins | --feeds) ((index++)) ;;
		-*) ;;
		*)
			command=$word
			break
			;;
		esac
	done

	# There -f takes no value.
	[[ $command == drops && $previous == -f ]] && previous=""
	case $previous in
	--catalogs | --pins | --feeds)
		compopt -o dirnames 2>/dev/null
		return
		;;
	--site | -s)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -X '!*.y?(a)ml' -- "$current"; compgen -d -- "$current")
		return
		;;
	--lookup) mapfile -t COMPREPLY < <(compgen -W "maps flat" -- "$current") && return ;;
	--format | -f)
		mapfile -t COMPREPLY < <(compgen -W "$([[ $command == graph ]] && echo dot mermaid svg || echo text csv markdown html)" -- "$current")
		return
		;;
	--xdp-mode) mapfile -t COMPREPLY < <(compgen -W "native generic" -- "$current") && return ;;
	--egress-hook) mapfile -t COMPREPLY < <(compgen -W "auto tcx clsact" -- "$current") && return ;;
	--interface | -i)
		mapfile -t COMPREPLY < <(compgen -W "$(_sallyport_interfaces)" -- "$current")
		return
		;;
	--reason)
		mapfile -t COMPREPLY < <(compgen -W "$(_sallyport_drop_reasons)" -- "$current")
		return
		;;
	--pcap)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--host | --address | --role | --web.listen-address) return ;;
	esac

	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_sallyport_options "$command")" -- "$current")
		return
	fi
	case $command in
	"" | help)
		mapfile -t COMPREPLY < <(compgen -W "$(_sallyport_commands)" -- "$current")
		;;
	detach)
		mapfile -t COMPREPLY < <(compgen -W "$(_sallyport_interfaces)" -- "$current")
		;;
	check | show | apply | test | diff | matrix | graph | import)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	export)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -W nft -f -- "$current")
		;;
	who)
		mapfile -t COMPREPLY < <(compgen -W "who what can reach reaches" -- "$current")
		;;
	feed)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -W "update status" -f -- "$current")
		;;
	explain)
		mapfile -t COMPREPLY < <(compgen -W "in out tcp udp icmp" -- "$current")
		;;
	esac
}

complete -F _sallyport sallyport
