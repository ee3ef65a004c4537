# Ends the service of the container whose processes this one sees: politely, then not.
while sleep 2; do
    killall -TERM tail
    sleep 2
    killall -KILL tail
done
