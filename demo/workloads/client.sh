# An address of the server's network that nobody has.
server=$(nslookup server | sed -n 's/^Address.*: *\([0-9.]*\)$/\1/p' | tail -n 1)
nobody=${server%.*}.254

while sleep 0.5; do
    # Answered.
    wget -q -O /dev/null http://server:8080/client.sh
    # Refused: nobody listens there.
    nc server 9 </dev/null
    nc server 10 </dev/null
    # Reset: the client goes while the server still talks.
    nc server 9000 </dev/null | head -c 1 >/dev/null
    # Never answered: the kernel sends the first segment again.
    nc -w 2 "$nobody" 80 </dev/null
done 2>/dev/null
