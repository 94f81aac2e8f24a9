// Which qubit a gate acts on, and how often a loop runs, is decided by measurements.
OPENQASM 3.0;
include "stdgates.inc";
def mark(qubit[3] data, int n) -> bit {
    x data[n];
    return measure data[n];
}
qubit[4] q;
bit[2] c;
output bit[4] r;
output uint[4] turns;
h q[0:1];
c = measure q[0:1];
int n = int(c[0]) + int(c[1]);
x q[n];
cx q[n], q[n + 1];
turns = 0;
for int i in [0:n] {
    turns += 1;
    if (mark(q[0:2], i)) {
        continue;
    }
    turns += 4;
}
r = measure q;
