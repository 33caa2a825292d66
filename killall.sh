. /tmp/generation/env.sh
cp() { ns /tmp/generation/crash_plain "$1" --pins $PINS "${@:2}"; }
kp() { K=$1; shift; BPF_KILL_AT=$K LD_PRELOAD=/tmp/generation/killer.so ns /tmp/generation/crash_plain "$1" --pins $PINS "${@:2}" >/dev/null 2>/tmp/generation/err; }
bad() { echo "BAD at $1: $2"; cat /tmp/generation/err; ls -R $PINS | head -50; exit 1; }
B="--interface e0 --interface e1"
case $1 in
first) for k in $(seq 1 2000); do kp $k apply $B; r=$?; [ $r = 0 ] && { echo "first: $k calls"; break; }; [ $r = 137 ] || bad $k "rc $r"
 if [ $((k%2)) = 0 ]; then cp recover >/dev/null 2>/tmp/generation/err || bad $k recover; s=$(cp status); echo "$s" | grep -q '"whole":true\|"pinned":false' || bad $k "$s"; fi
 cp apply $B >/dev/null 2>/tmp/generation/err || bad $k apply; cp status | grep -q '"whole":true' || bad $k whole
 cp detach >/dev/null 2>/tmp/generation/err || bad $k detach; [ -e $PINS ] && bad $k left; done; cp detach >/dev/null 2>&1;;
reload) cp apply $B >/dev/null 2>&1; for k in $(seq 1 2000); do kp $k apply $B --port 81; r=$?; [ $r = 0 ] && { echo "reload: $k calls"; break; }; [ $r = 137 ] || bad $k "rc $r"
 s=$(cp status); echo "$s" | grep -q '"attached":false\|partial\|gone' && bad $k "$s"
 cp recover >/dev/null 2>/tmp/generation/err || bad $k recover; s=$(cp status); echo "$s" | grep -q '"whole":true' || bad $k "$s"; 
 [ $(ls -d $PINS/e?/generation-* | wc -l) = 2 ] || bad $k gens; done; cp detach >/dev/null 2>&1;;
detach) for k in $(seq 1 2000); do cp apply $B >/dev/null 2>/tmp/generation/err || bad $k apply;  kp $k detach; r=$?; [ $r = 0 ] && { echo "detach: $k calls"; break; }; [ $r = 137 ] || bad $k "rc $r"
 if [ $((k%3)) = 0 ]; then cp recover >/dev/null 2>/tmp/generation/err || bad $k recover; fi
 if [ $((k%3)) = 1 ]; then cp apply $B >/dev/null 2>/tmp/generation/err || bad $k apply;  cp status | grep -q '"whole":true' || bad $k whole; fi
 cp detach >/dev/null 2>/tmp/generation/err || bad $k detach; [ -e $PINS ] && bad $k left; done;;
esac
