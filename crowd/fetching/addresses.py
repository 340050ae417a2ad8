"""Which addresses are on the public internet.

An own list of networks after IANA's special-purpose registries: `ipaddress.is_global` says yes to several ways of
writing 127.0.0.1 inside IPv6, and patch releases of Python disagree with each other.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

CLOSED_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network; 0.0.0.0 reaches the own machine
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT; 100.100.100.200 is a cloud's metadata
            "127.0.0.0/8",  # the own machine
            "168.63.129.16/32",  # a public address that is a cloud's metadata all the same
            "169.254.0.0/16",  # link-local; 169.254.169.254 is most clouds' metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is a cloud's metadata
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and the broadcast address
        ),
    )
)
OPEN_IPV6 = IPv6Network("2000::/3")  # all the global unicast there is; mapped, compatible and site-local lie outside
CLOSED_IPV6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, any IPv4 address inside
            "3fff::/20",  # documentation
        ),
    )
)
NAT64 = IPv6Network("64:ff9b::/96")  # how an IPv6-only machine reaches IPv4: judged by the address inside


def is_public(text: str) -> bool:
    """Whether this address, as a resolver returns it, may be connected to."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return _is_open_ipv4(address) if isinstance(address, IPv4Address) else _is_open_ipv6(address)


def _is_open_ipv4(address: IPv4Address) -> bool:
    return not any(address in network for network in CLOSED_IPV4)


def _is_open_ipv6(address: IPv6Address) -> bool:
    if address in NAT64:
        return _is_open_ipv4(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in OPEN_IPV6 and not any(address in network for network in CLOSED_IPV6)
