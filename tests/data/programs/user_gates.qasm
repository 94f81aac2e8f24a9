// A gate of the library, defined anew, and a gate of gates.
OPENQASM 2.0;
include "qelib1.inc";
gate rzx(theta) a, b { h b; cx a, b; u1(theta) b; cx a, b; h b; }
gate layer(theta, phi) a, b, c {
  rzx(theta / 2 + phi) a, b;
  rzx(-sin(theta) ^ 2) b, c;
  barrier a, b, c;
  ccx a, b, c;
}
qreg q[3];
creg c[3];
h q;
layer(3e-1, pi / 5) q[2], q[0], q[1];
measure q -> c;
