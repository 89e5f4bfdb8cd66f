// SPDX-License-Identifier: Apache-2.0
// Setting of a system: offers an accelerator one beat a run, whose data is a register.
//
// Only the handshake is here, tdata goes by: the register keeps its value while the run is on.
//
// Rate      one beat a run
// Latency   1 cycle from i_start to valid
`default_nettype none

module system_setting #(
    // {loading, graph} of the accelerator
    parameter logic [8:0] OWNER = '0
) (
    input wire logic clk,
    input wire logic rst,

    // The run begins with the next cycle; whose it is
    input wire logic       i_start,
    input wire logic [8:0] i_owner,

    output logic      m_axis_tvalid,
    input  wire logic m_axis_tready
);
  always_ff @(posedge clk) begin
    if (rst) m_axis_tvalid <= 1'b0;
    else if (i_start && i_owner == OWNER) m_axis_tvalid <= 1'b1;
    else if (m_axis_tready) m_axis_tvalid <= 1'b0;
  end
endmodule

`default_nettype wire
