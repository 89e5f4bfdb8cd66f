// SPDX-License-Identifier: Apache-2.0
// Rules that modules state of themselves: parameters at elaboration, handshakes in simulation.
`ifndef SAMFABRIC_CHECKS_SVH
`define SAMFABRIC_CHECKS_SVH

// A parameter rule, in the body of a module. LABEL names the generate block, COND is the rule, MESSAGE
// what $error is given, in parentheses; it tells every value that the rule names:
// `SPEC_CHECK(simd, MW % SIMD == 0, ("mvu: SIMD = %0d: divides MW = %0d", SIMD, MW))
// A style such as "block" is compared with words of other lengths: parameters that are words have no
// type, since Vivado synthesises none of type string, and Verilator's waiver stands for that.
`define SPEC_CHECK(LABEL, COND, MESSAGE) \
  /* verilator lint_off WIDTHEXPAND */ \
  if (!(COND)) begin : gen_check_``LABEL \
    $error MESSAGE; \
  end \
  /* verilator lint_on WIDTHEXPAND */

// A beat on offer stays as it is until it is taken.
`ifdef SYNTHESIS
`define STREAM_CHECK(NAME)
`else
`define STREAM_CHECK(NAME) \
  NAME``_holds : assert property (@(posedge clk) disable iff (rst) \
      NAME``_tvalid && !NAME``_tready |=> NAME``_tvalid && $stable(NAME``_tdata)) \
  else $error(`"NAME: a waiting beat changed or went away`");
`endif

`endif
