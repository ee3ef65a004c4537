# Slow: the sleep.
while sleep 0.05; do
    # Fails: there is no such file.
    cat /missing
    # Refused: a limit that only root may raise.
    for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        ulimit -H -n 99999999
    done
done 2>/dev/null
