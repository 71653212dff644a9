"""Runs a command in a terminal of its own and answers its questions.

Standard input: JSON, [[question, answer], ...]. Standard output: JSON with the exit code, the screen, whether the
terminal showed what was typed at each question, and whether it does at the end.
"""

import fcntl
import json
import os
import signal
import sys
import termios


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def main():
    signal.alarm(120)
    steps = json.load(sys.stdin)
    ours, theirs = os.openpty()
    child = os.fork()
    if child == 0:
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        for stream in range(3):
            os.dup2(theirs, stream)
        os.execv(sys.argv[1], sys.argv[1:])
    screen, seen, echo = "", 0, []
    for question, answer in steps:
        while question not in screen[seen:]:
            screen += os.read(ours, 4096).decode()
        seen = len(screen)
        echo.append(echoes(theirs))
        os.write(ours, answer.encode())
    _, status = os.waitpid(child, 0)
    after = echoes(theirs)
    os.close(theirs)
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        screen += piece.decode()
    code = os.waitstatus_to_exitcode(status)
    json.dump({"code": code, "screen": screen, "echo": echo, "after": after}, sys.stdout)


main()
