using System.Runtime.InteropServices;

namespace SpecDecode.Kernels.MachineCode;

/// <summary>What the code of <see cref="BlockTileCode"/> is handed, and where in it each thing stands, in bytes.</summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct BlockTileArguments
{
    /// <summary>Where <see cref="Panel"/> stands.</summary>
    public const int PanelAt = 0;

    /// <summary>Where <see cref="End"/> stands.</summary>
    public const int EndAt = 8;

    /// <summary>Where <see cref="Ahead"/> stands.</summary>
    public const int AheadAt = 16;

    /// <summary>Where <see cref="Bytes"/> stands.</summary>
    public const int BytesAt = 24;

    /// <summary>Where <see cref="ByteStep"/> stands.</summary>
    public const int ByteStepAt = 32;

    /// <summary>Where <see cref="Blocks"/> stands.</summary>
    public const int BlocksAt = 40;

    /// <summary>Where <see cref="BlockStep"/> stands.</summary>
    public const int BlockStepAt = 48;

    /// <summary>Where <see cref="Sums"/> stands.</summary>
    public const int SumsAt = 56;

    /// <summary>The weights' first block.</summary>
    [FieldOffset(PanelAt)]
    public byte* Panel;

    /// <summary>Where the weights end.</summary>
    [FieldOffset(EndAt)]
    public byte* End;

    /// <summary>How far ahead weights are asked for, in bytes.</summary>
    [FieldOffset(AheadAt)]
    public nint Ahead;

    /// <summary>The first row's first block, followed by the same block of the other rows.</summary>
    [FieldOffset(BytesAt)]
    public sbyte* Bytes;

    /// <summary>Bytes from there to the next block of the first row.</summary>
    [FieldOffset(ByteStepAt)]
    public nint ByteStep;

    /// <summary>What these blocks are worth, and begin with.</summary>
    [FieldOffset(BlocksAt)]
    public RowBlock* Blocks;

    /// <summary>Bytes from there to the next block of the first row.</summary>
    [FieldOffset(BlockStepAt)]
    public nint BlockStep;

    /// <summary>The sums of the blocks before, <c>[rows, 32]</c>.</summary>
    [FieldOffset(SumsAt)]
    public float* Sums;
}
