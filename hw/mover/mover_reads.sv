// SPDX-License-Identifier: Apache-2.0
// The read side of the mover: all ends that read memory, over one pair of AR and R.
//
//   m(e) = bytes of memory from the address of its job on, tlast with the last one
//
// Streams   packed, end 0 lowest: 8 bits and tlast each
// Rate      one byte a cycle an end, one word a cycle in all
// Latency   11 cycles from i_push to the first byte, with a memory that answers in the next cycle
// Golden    mover.py
`default_nettype none

module mover_reads #(
    // As in mover.sv
    parameter int unsigned ENDS = 4,
    parameter int unsigned QUEUE = 4,
    parameter int unsigned WORD_BYTES = 8,
    parameter int unsigned BURST_BYTES = 256,
    parameter int unsigned FIFO_BYTES = 512,
    parameter int unsigned OUTSTANDING = 8,
    parameter int unsigned ADDRESS_BITS = 40,
    parameter int unsigned LENGTH_BITS = 24,
    // Derived, do not set
    localparam int unsigned LANE_BITS = $clog2(WORD_BYTES),
    localparam int unsigned PLACE_BITS = ADDRESS_BITS - LANE_BITS,
    localparam int unsigned INDEX_BITS = ENDS > 1 ? $clog2(ENDS) : 1
) (
    input wire logic clk,
    input wire logic rst,

    // A job for an end; ends whose queue has room, and that have a job which is not cut to its end
    input  wire logic                   i_push,
    input  wire logic [ INDEX_BITS-1:0] i_push_end,
    input  wire logic [ PLACE_BITS-1:0] i_place,
    input  wire logic [LENGTH_BITS-1:0] i_length,
    input  wire logic [       ENDS-1:0] i_refused,
    output logic      [       ENDS-1:0] o_room,
    output logic      [       ENDS-1:0] o_busy,
    // Begin no further burst; is none under way?
    input  wire logic                   i_hold,
    output logic                        o_idle,

    // What became of the jobs, `mover_tally`
    input  wire logic [          31:0] i_now,
    input  wire logic [      ENDS-1:0] i_clear,
    output logic      [      ENDS-1:0] o_pending,
    output logic                       o_faulty,
    input  wire logic [INDEX_BITS-1:0] i_read_end,
    output logic      [          15:0] o_done,
    output logic      [           4:0] o_faults,
    output logic      [          31:0] o_begun_at,
    output logic      [          31:0] o_done_at,

    output logic      [ADDRESS_BITS-1:0] m_axi_araddr,
    output logic      [             7:0] m_axi_arlen,
    output logic                         m_axi_arvalid,
    input  wire logic                    m_axi_arready,
    input  wire logic [WORD_BYTES*8-1:0] m_axi_rdata,
    input  wire logic [             1:0] m_axi_rresp,
    input  wire logic                    m_axi_rlast,
    input  wire logic                    m_axi_rvalid,
    output logic                         m_axi_rready,

    output logic      [ENDS-1:0][7:0] m_axis_tdata,
    output logic      [ENDS-1:0]      m_axis_tlast,
    output logic      [ENDS-1:0]      m_axis_tvalid,
    input  wire logic [ENDS-1:0]      m_axis_tready
);
  localparam int unsigned BURST_WORDS = BURST_BYTES / WORD_BYTES;
  localparam int unsigned FIFO_WORDS = FIFO_BYTES / WORD_BYTES;
  localparam int unsigned BEAT_BITS = $clog2(BURST_WORDS);

  logic cutter_idle, port_idle;
  assign o_idle = cutter_idle && port_idle;

  logic read_valid, read_first, read_last, read_take, word_last, read_done, read_fault, read_decode;
  logic [ENDS-1:0] read_able, read_owner, put;
  logic [INDEX_BITS-1:0] read_index, word_end;
  logic [PLACE_BITS-1:0] read_place;
  logic [ BEAT_BITS-1:0] read_beats;
  logic [LANE_BITS-1:0] read_tail, word_tail;
  logic [WORD_BYTES*8-1:0] word;
  logic [ENDS-1:0][4:0] read_faults;

  mover_bursts #(
      .ENDS(ENDS),
      .QUEUE(QUEUE),
      .WORD_BYTES(WORD_BYTES),
      .BURST_BYTES(BURST_BYTES),
      .ADDRESS_BITS(ADDRESS_BITS),
      .LENGTH_BITS(LENGTH_BITS)
  ) u_bursts (
      .clk,
      .rst,
      .i_push,
      .i_end(i_push_end),
      .i_place,
      .i_length,
      .o_room,
      .o_busy,
      .i_able(read_able),
      .i_hold,
      .o_idle(cutter_idle),
      .o_burst_valid(read_valid),
      .o_burst_owner(read_owner),
      .o_burst_end(read_index),
      .o_burst_place(read_place),
      .o_burst_beats(read_beats),
      .o_burst_first(read_first),
      .o_burst_last(read_last),
      .o_burst_tail(read_tail),
      .i_take(read_take),
      .i_drop(1'b0)
  );

  mover_reader #(
      .ENDS(ENDS),
      .WORD_BYTES(WORD_BYTES),
      .BEAT_BITS(BEAT_BITS),
      .ADDRESS_BITS(ADDRESS_BITS),
      .OUTSTANDING(OUTSTANDING)
  ) u_reader (
      .clk,
      .rst,
      .i_burst_valid(read_valid),
      .i_burst_end(read_index),
      .i_burst_place(read_place),
      .i_burst_beats(read_beats),
      .i_burst_last(read_last),
      .i_burst_tail(read_tail),
      .o_take(read_take),
      .m_axi_araddr,
      .m_axi_arlen,
      .m_axi_arvalid,
      .m_axi_arready,
      .m_axi_rdata,
      .m_axi_rresp,
      .m_axi_rlast,
      .m_axi_rvalid,
      .m_axi_rready,
      .o_put(put),
      .o_word(word),
      .o_word_tail(word_tail),
      .o_word_last(word_last),
      .o_word_end(word_end),
      .o_done(read_done),
      .o_fault(read_fault),
      .o_fault_decode(read_decode),
      .o_idle(port_idle)
  );

  for (genvar r = 0; r < ENDS; r++) begin : gen_read
    logic own;
    assign own = word_end == INDEX_BITS'(r);
    assign read_faults[r] = {
      2'b00, i_refused[r], read_fault && own && read_decode, read_fault && own && !read_decode
    };
    mover_read_end #(
        .WORD_BYTES(WORD_BYTES),
        .BURST_WORDS(BURST_WORDS),
        .WORDS(FIFO_WORDS)
    ) u_end (
        .clk,
        .rst,
        .i_promise(read_take && read_owner[r]),
        .i_beats(read_beats),
        .o_able(read_able[r]),
        .i_put(put[r]),
        .i_word(word),
        .i_tail(word_tail),
        .i_last(word_last),
        .m_axis_tdata(m_axis_tdata[r]),
        .m_axis_tlast(m_axis_tlast[r]),
        .m_axis_tvalid(m_axis_tvalid[r]),
        .m_axis_tready(m_axis_tready[r])
    );
  end

  mover_tally #(
      .ENDS(ENDS)
  ) u_tally (
      .clk,
      .rst,
      .i_now,
      .i_begun(read_take && read_first),
      .i_begun_end(read_index),
      .i_done(read_done),
      .i_done_end(word_end),
      .i_faults(read_faults),
      .i_clear,
      .o_pending,
      .o_faulty,
      .i_read_end(i_read_end),
      .o_done,
      .o_faults,
      .o_begun_at,
      .o_done_at
  );

endmodule

`default_nettype wire
