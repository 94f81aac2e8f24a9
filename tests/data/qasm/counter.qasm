OPENQASM 3.0;
include "stdgates.inc";
qubit[4] q;
bit[4] c;
int[16] total = 3;
for int i in [0:3] {
  ry(0.4 * i) q[i];
  c[i] = measure q[i];
  if (c[i]) { total = total * 2 + i; } else { total -= 1; }
}
bit[16] sum = bit[16](uint[16](total));
