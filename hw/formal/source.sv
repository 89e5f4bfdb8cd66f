// SPDX-License-Identifier: Apache-2.0
// What proofs assume of a source, that a waiting beat stays as it is, and state of its tready: the
// beat is taken after at most PATIENCE cycles in a row in which `hurry` holds.
`default_nettype none

module source #(
    parameter int unsigned STREAM_WIDTH = 8,
    parameter int unsigned PATIENCE = 2
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    input  wire logic [STREAM_WIDTH-1:0] tdata,
    input  wire logic                    tlast,
    input  wire logic                    tvalid,
    input  wire logic                    tready,
    input  wire logic                    hurry,
    // The beat was already on offer in the cycle before
    output logic                         waiting_q
);
  logic last_q;
  logic [STREAM_WIDTH-1:0] data_q;
  logic [7:0] patience_q;

  always_ff @(posedge clk) begin
    data_q <= tdata;
    last_q <= tlast;
    waiting_q <= !rst && tvalid && !tready;
    patience_q <= !rst && tvalid && !tready && hurry ? patience_q + 1'b1 : '0;
  end

  always_comb begin
    if (waiting_q && !rst) assume (tvalid && tdata == data_q && tlast == last_q);
    if (tvalid && !tready && !rst) accepts : assert (patience_q < 8'(PATIENCE));
  end
endmodule

`default_nettype wire
