OPENQASM 3.0;
include "stdgates.inc";
const int n = 3;
qubit[n] q;
bit[n] c;
x q[0];
for int i in [0:n - 1] {
  h q[i];
  for int k in [i + 1:n - 1] {
    cp(pi / 2 ** (k - i)) q[k], q[i];
  }
}
c = measure q;
