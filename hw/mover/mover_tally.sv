// SPDX-License-Identifier: Apache-2.0
// What became of the jobs of all ends of one direction: counts, times, faults, who wants to be
// heard.
//
//   done(e)      jobs of end e that are complete since reset, modulo 2^16
//   begun_at(e)  i_now as the first burst of the last job begun was issued; done_at(e) as the last
//                job was done. With one job at a time done_at - begun_at are its cycles
//   faults(e)    sticky until reset: bits of hw/spec/registers.py, Fault
//   pending(e)   a job has been done or a fault has risen since i_clear
//
// Rate      one job begun and one done a cycle
// Latency   1 cycle; o_* of a read 1 cycle after i_read_end
// Golden    mover.py
`default_nettype none

module mover_tally #(
    parameter int unsigned ENDS = 4,
    // Derived, do not set
    localparam int unsigned INDEX_BITS = ENDS > 1 ? $clog2(ENDS) : 1,
    localparam int unsigned FAULTS = 5
) (
    input  wire logic                              clk,
    input  wire logic                              rst,
    input  wire logic [          31:0]             i_now,
    input  wire logic                              i_begun,
    input  wire logic [INDEX_BITS-1:0]             i_begun_end,
    input  wire logic                              i_done,
    input  wire logic [INDEX_BITS-1:0]             i_done_end,
    // Faults that rise, of every end
    input  wire logic [      ENDS-1:0][FAULTS-1:0] i_faults,
    input  wire logic [      ENDS-1:0]             i_clear,
    output logic      [      ENDS-1:0]             o_pending,
    output logic                                   o_faulty,
    input  wire logic [INDEX_BITS-1:0]             i_read_end,
    output logic      [          15:0]             o_done,
    output logic      [    FAULTS-1:0]             o_faults,
    output logic      [          31:0]             o_begun_at,
    output logic      [          31:0]             o_done_at
);
  logic [ENDS-1:0] counted_q;  // done at least once: the memory below has no reset
  logic [ENDS-1:0][FAULTS-1:0] faults_q;

  // ---- Counts: read, incremented and written in one cycle, so that none is missed

  (* ram_style = "distributed" *)
  logic [15:0] counts[ENDS];
  logic [15:0] count;
  assign count = counted_q[i_done_end] ? counts[i_done_end] : '0;

  always_ff @(posedge clk) if (i_done) counts[i_done_end] <= count + 16'd1;
  always_ff @(posedge clk) o_done <= counted_q[i_read_end] ? counts[i_read_end] : '0;

  // ---- Times

  (* ram_style = "distributed" *)
  logic [31:0] begun_at[ENDS];
  (* ram_style = "distributed" *)
  logic [31:0] done_at [ENDS];

  always_ff @(posedge clk) if (i_begun) begun_at[i_begun_end] <= i_now;
  always_ff @(posedge clk) o_begun_at <= begun_at[i_read_end];
  always_ff @(posedge clk) if (i_done) done_at[i_done_end] <= i_now;
  always_ff @(posedge clk) o_done_at <= done_at[i_read_end];

  // ---- Faults, and what is to be heard

  for (genvar e = 0; e < ENDS; e++) begin : gen_end
    logic done, risen;
    assign done  = i_done && i_done_end == INDEX_BITS'(e);
    assign risen = |(i_faults[e] & ~faults_q[e]);
    always_ff @(posedge clk) begin
      if (rst) begin
        counted_q[e] <= 1'b0;
        faults_q[e]  <= '0;
        o_pending[e] <= 1'b0;
      end else begin
        if (done) counted_q[e] <= 1'b1;
        faults_q[e]  <= faults_q[e] | i_faults[e];
        o_pending[e] <= o_pending[e] && !i_clear[e] || done || risen;
      end
    end
  end

  always_ff @(posedge clk) begin
    o_faults <= faults_q[i_read_end];
    o_faulty <= |faults_q;
  end
endmodule

`default_nettype wire
