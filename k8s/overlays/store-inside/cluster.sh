#!/bin/sh
# Makes six Valkeys one cluster and keeps them one. NODES: their host:port, the first three for the
# primaries. REDISCLI_AUTH: the password of the user `operator`. CLI: valkey-cli, or redis-cli.
#
#   cluster.sh form    slots for the first three, a replica for each. What is there already stays.
#   cluster.sh join HOST:PORT   from then on, introduces that node to those whose address is new to it:
#                      pods come back with other addresses, and a cluster goes by addresses.
#   cluster.sh ready HOST:PORT  status 0 if that node serves its slots, or is in step with its primary
set -u
CLI=${CLI:-valkey-cli}

ask() { # ask HOST:PORT WORD…
    to=$1
    shift
    timeout 5 "$CLI" --no-auth-warning --user operator -h "${to%:*}" -p "${to##*:}" "$@" 2>/dev/null |
        tr -d '\r'
}

fact() { # fact HOST:PORT NAME: of CLUSTER INFO
    ask "$1" cluster info | sed -n "s/^$2://p"
}

own_line() { # what a node says of itself in CLUSTER NODES: id address flags primary … slots
    ask "$1" cluster nodes | grep ' myself,'
}

count() {
    echo "$#"
}

introduce() { # introduce NODE: to every other whose address it doesn't have
    known=$(ask "$1" cluster nodes) || return
    [ -n "$known" ] || return
    for other in $NODES; do
        own=$(own_line "$other") || continue
        address=${own#* }
        address=${address%% *}
        address=${address%%,*} # without the host name
        place=${address%@*}
        case $known in *"${own%% *} $address"*) continue ;; esac
        ask "$1" cluster meet "${place%:*}" "${place##*:}" "${address##*@}" >/dev/null
    done
}

knows() { # knows NODE COUNT: whether it knows so many nodes, itself among them
    found=$(fact "$1" cluster_known_nodes)
    [ "${found:-0}" -ge "$2" ]
}

form() {
    for node in $NODES; do # one that is late may have the data: nothing is given out before it is there
        until [ "$(ask "$node" ping)" = PONG ]; do sleep 1; done
    done
    all=$(count $NODES)
    for node in $NODES; do
        until introduce "$node" && knows "$node" "$all"; do sleep 1; done
    done

    first=0
    position=0
    for node in $NODES; do
        position=$((position + 1))
        [ $position -le 3 ] || break
        last=$((16384 * position / 3 - 1))
        # Refused, whole, where a slot of them has an owner.
        ask "$node" cluster addslotsrange $first $last >/dev/null
        first=$((last + 1))
    done
    for node in $NODES; do
        until [ "$(fact "$node" cluster_slots_assigned)" = 16384 ]; do sleep 1; done
    done

    for node in $NODES; do
        own=$(own_line "$node")
        case $own in *" myself,master "*) ;; *) continue ;; esac
        [ "$(count $own)" -le 8 ] || continue # it has slots
        for primary in $NODES; do # which has none yet
            theirs=$(own_line "$primary")
            case $theirs in *" myself,master "*) ;; *) continue ;; esac
            [ "$(count $theirs)" -gt 8 ] || continue
            ask "$primary" cluster replicas "${theirs%% *}" | grep -v 'fail\|noaddr' | grep -q connected && continue
            until [ "$(ask "$node" cluster replicate "${theirs%% *}")" = OK ]; do sleep 1; done
            until ask "$primary" cluster replicas "${theirs%% *}" | grep -q "^${own%% *} "; do sleep 1; done
            break
        done
    done
    for node in $NODES; do
        until [ "$(fact "$node" cluster_state)" = ok ]; do sleep 1; done
    done
    echo "the cluster is formed"
}

case ${1:-} in
form) form ;;
join)
    trap 'exit 0' TERM INT
    while :; do
        introduce "$2"
        sleep 5 &
        wait $!
    done
    ;;
ready)
    [ "$(fact "$2" cluster_state)" = ok ] || exit 1
    case $(ask "$2" info replication) in
    *role:master*) [ "$(count $(own_line "$2"))" -gt 8 ] ;;
    *master_link_status:up*) ;;
    *) exit 1 ;;
    esac
    ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
