// SPDX-License-Identifier: Apache-2.0
// Which parameters a beat needs: counts the beats of a pixel, holds the frame's set.
//
//   index = set * 2^ceil(log2(FOLD)) + beat mod FOLD     set = layer of the frame
//
// Streams   s_axis_layer: one beat a frame, taken with the frame's first; only if SETS > 1
//           s_axis: only its handshake; a beat passes where take and en are high
// Rate      one beat a cycle, frames back to back
`default_nettype none

module fold_index #(
    // Beats of a pixel
    parameter int unsigned FOLD = 1,
    // Sets of parameters
    parameter int unsigned SETS = 1,
    // Derived, do not set
    localparam int unsigned LAYER_STREAM_WIDTH = SETS > 1 ? (($clog2(SETS) + 7) / 8) * 8 : 8,
    localparam int unsigned DEPTH = SETS > 1 ? SETS << $clog2(FOLD) : FOLD,
    localparam int unsigned INDEX_WIDTH = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    // Beats are filled up with bits that nobody reads; SETS = 1 reads no layer, and with FOLD = 1
    // holds nothing either.
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic                          clk,
    input  wire logic                          rst,
    input  wire logic [LAYER_STREAM_WIDTH-1:0] s_axis_layer_tdata,
    input  wire logic                          s_axis_layer_tvalid,
    input  wire logic                          s_axis_tlast,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic                          en,
    output logic                               s_axis_layer_tready,
    input  wire logic                          s_axis_tvalid,
    output logic                               s_axis_tready,
    output logic                               take,
    output logic      [       INDEX_WIDTH-1:0] index
);
  localparam int unsigned FOLD_WIDTH = FOLD > 1 ? $clog2(FOLD) : 1;

  // verilator lint_off UNUSEDSIGNAL
  logic [FOLD_WIDTH-1:0] fold_q;  // not read where each set is one word
  // verilator lint_on UNUSEDSIGNAL

  if (FOLD > 1) begin : gen_fold
    always_ff @(posedge clk) begin
      if (rst) fold_q <= '0;
      else if (en && take) begin
        fold_q <= fold_q == FOLD_WIDTH'(FOLD - 1) ? '0 : fold_q + FOLD_WIDTH'(1);
      end
    end
  end else begin : gen_no_fold
    assign fold_q = '0;
  end

  if (SETS > 1) begin : gen_sets
    localparam int unsigned SET_WIDTH = $clog2(SETS);
    logic first_q;
    logic [SET_WIDTH-1:0] set, set_q;
    assign set                 = first_q ? s_axis_layer_tdata[SET_WIDTH-1:0] : set_q;
    assign take                = s_axis_tvalid && (!first_q || s_axis_layer_tvalid);
    assign s_axis_tready       = en && (!first_q || s_axis_layer_tvalid);
    assign s_axis_layer_tready = en && first_q && s_axis_tvalid;
    if (FOLD > 1) begin : gen_both
      assign index = {set, fold_q};
    end else begin : gen_set
      assign index = set;
    end
    always_ff @(posedge clk) begin
      if (en && take) set_q <= set;
      if (rst) first_q <= 1'b1;
      else if (en && take) first_q <= s_axis_tlast;
    end
  end else begin : gen_one_set
    assign take                = s_axis_tvalid;
    assign s_axis_tready       = en;
    assign s_axis_layer_tready = 1'b0;
    assign index               = fold_q;
  end
endmodule

`default_nettype wire
