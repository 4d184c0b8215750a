namespace SpecDecode.Kernels.MachineCode;

/// <summary>
/// An instruction of AVX-512 over registers of 512 bits, as it is written in Intel's manual (Software Developer's Manual, volume 2: the line
/// <c>EVEX.512.prefix.map.W0 opcode</c> of the instruction; 2.7 for how it is put together).
/// </summary>
/// <param name="Map">Which map of opcodes: 1 is 0F, 2 is 0F38.</param>
/// <param name="Prefix">0 none, 1 is 66, 2 is F3.</param>
/// <param name="Opcode">The opcode.</param>
/// <param name="MemoryBytes">Bytes that it reads or writes in memory, in which short displacements are counted.</param>
/// <param name="Extension">What stands in the place of a register, <c>/digit</c>; −1 where a register does.</param>
internal readonly record struct VectorInstruction(byte Map, byte Prefix, byte Opcode, int MemoryBytes, int Extension = -1)
{
    /// <summary>vmovdqu32: 16 integers from memory or a register.</summary>
    public static readonly VectorInstruction Load = new(1, 2, 0x6F, 64);

    /// <summary>vmovups: 16 floats to memory.</summary>
    public static readonly VectorInstruction Store = new(1, 0, 0x11, 64);

    /// <summary>vpbroadcastd: 4 bytes from memory, 16 times.</summary>
    public static readonly VectorInstruction Broadcast = new(2, 1, 0x58, 4);

    /// <summary>vpbroadcastd from a general register.</summary>
    public static readonly VectorInstruction BroadcastGeneral = new(2, 1, 0x7C, 4);

    /// <summary>vpdpbusd: adds to each sum four products of unsigned bytes and signed bytes.</summary>
    public static readonly VectorInstruction DotBytes = new(2, 1, 0x50, 64);

    /// <summary>vpdpwssd: adds to each sum two products of signed numbers of 16 bits.</summary>
    public static readonly VectorInstruction DotWords = new(2, 1, 0x52, 64);

    /// <summary>vpxord.</summary>
    public static readonly VectorInstruction Xor = new(1, 1, 0xEF, 64);

    /// <summary>vpandd.</summary>
    public static readonly VectorInstruction And = new(1, 1, 0xDB, 64);

    /// <summary>vpsrld by a number that follows.</summary>
    public static readonly VectorInstruction ShiftRight = new(1, 1, 0x72, 64, Extension: 2);

    /// <summary>vpslld by a number that follows.</summary>
    public static readonly VectorInstruction ShiftLeft = new(1, 1, 0x72, 64, Extension: 6);

    /// <summary>vpmovzxwd: 16 numbers of 16 bits, without signs.</summary>
    public static readonly VectorInstruction WidenWords = new(2, 1, 0x33, 32);

    /// <summary>vpmovzxbd: 16 bytes, without signs.</summary>
    public static readonly VectorInstruction WidenBytes = new(2, 1, 0x31, 16);

    /// <summary>vcvtdq2ps: integers to floats.</summary>
    public static readonly VectorInstruction ToFloats = new(1, 0, 0x5B, 64);

    /// <summary>vmulps.</summary>
    public static readonly VectorInstruction Multiply = new(1, 0, 0x59, 64);

    /// <summary>vfmadd213ps: first · second + third, into the first, rounded once.</summary>
    public static readonly VectorInstruction MultiplyAdd = new(2, 1, 0xA8, 64);
}
