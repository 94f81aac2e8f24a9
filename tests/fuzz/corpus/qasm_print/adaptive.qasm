OPENQASM 3.0;
include "stdgates.inc";
qubit q;
angle[4] estimate;
bit[4] c;
h q;
for int i in [0:3] {
  reset q;
  h q;
  p(1.1 * 2 ** i) q;
  p(-float(i) * pi / 8) q;
  h q;
  c[i] = measure q;
  switch (c) {
    case 1, 3 { z q; }
    case 2 { reset q; }
    default { barrier q; }
  }
}
