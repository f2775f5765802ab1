#!/bin/sh
# Gives a host its baseline (routes, closed bridge, services), then waits.
# The argument is the host's role; addresses come from docker-compose.yml.
set -eu
role=$1
mkdir -p /run/errnolab
: >/run/errnolab/lock

# The engine set a default route through the bridge; the lab's way is the router.
ip -4 route flush default
ip -6 route flush default
case $role in
    router)
        ip -4 route replace 203.0.113.0/24 via "$SERVER4"
        ip -6 route replace 2001:db8:ffff::/48 via "$SERVER6"
        ;;
    *)
        ip -4 route replace default via "$ROUTER4"
        ip -6 route replace default via "$ROUTER6"
        ;;
esac
if [ "$role" = server ]; then
    ip -4 address replace 203.0.113.10/32 dev lo
    ip -6 address replace 2001:db8:ffff::10/128 dev lo
fi

# A link-local address is tentative for a second (duplicate address detection), and
# neighbours are not asked meanwhile: set it again without.
ip -6 -o address show scope link | awk '
    { print "address del", $4, "dev", $2; print "address add", $4, "dev", $2, "nodad" }
' | ip -6 -batch -

# The chains that a first rule would create are part of the baseline. And an IPv6
# bridge keeps ::1 of its subnet, and a link-local address, on the machine itself:
# neighbour discovery (133 to 136) must live, nothing else may go there or through.
bridges=$(ip -6 -o address show scope global | awk '$2 != "lo" { sub("::.*", "::1", $4); print $4 }')
chains='*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n'
flavour=nft
printf "${chains}COMMIT\n" | iptables-nft-restore 2>/dev/null || {
    flavour=legacy
    printf "${chains}COMMIT\n" | iptables-legacy-restore
}
{
    printf "$chains"
    for type in 133 134 135 136; do
        echo "-A INPUT -p icmpv6 --icmpv6-type $type -j ACCEPT"
        echo "-A OUTPUT -p icmpv6 --icmpv6-type $type -j ACCEPT"
    done
    # The machine is on each link too, and would hear what is sent to all of it.
    echo "-A OUTPUT -d ff02::/16 -j DROP"
    for bridge in fe80::/10 $bridges; do
        echo "-A INPUT -s $bridge -j DROP"
        echo "-A OUTPUT -d $bridge -j DROP"
        echo "-A FORWARD -s $bridge -j DROP"
        echo "-A FORWARD -d $bridge -j DROP"
    done
    echo COMMIT
} | "ip6tables-$flavour-restore"

# Where connections are redirected, too; not without need, for the chain lets a host track
# connections of IPv6, which puts fragments together. The engine has rules in this table,
# which must stay; and a kernel without it has no such fault (errnolab doctor: nat-redirect).
[ "$role" != server ] || for tool in iptables ip6tables; do
    printf '*nat\n:PREROUTING ACCEPT\nCOMMIT\n' | "$tool-$flavour-restore" --noflush || true
done

echo "\"$flavour\"" >/run/errnolab/flavour.json

[ "$role" != server ] || for service in echo echo_udp; do
    errnolab-service start "$service"
done
# What an image made from this one adds: the gateway's nginx.
[ ! -x /opt/errnolab/start ] || /opt/errnolab/start
touch /run/errnolab/ready
exec sleep infinity
