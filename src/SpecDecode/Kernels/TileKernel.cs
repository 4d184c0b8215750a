using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;
using SpecDecode.Kernels.MachineCode;

namespace SpecDecode.Kernels;

/// <summary>The kernels that multiply rows by panels of one format on one instruction set, by the number of rows.</summary>
internal unsafe struct TileKernel
{
    /// <summary>Rows of the largest tile there is.</summary>
    public const int MostRows = 12;

    private Pointers _run;
    private nint _machineBlockBytes;
    private delegate*<byte*, nint, float*, void> _widen;

    /// <summary>Rows of its largest tile.</summary>
    public int MaxRows { get; private set; }

    /// <summary>Rows of the largest tile that passes a panel once; a larger one passes it in parts, so several times.</summary>
    public int WholeRows { get; private set; }

    /// <summary>How often such a one passes it.</summary>
    public int Passes { get; private set; }

    /// <summary>Bytes of two inputs of a panel, which may be multiplied in stretches; 0 where it is multiplied as a whole.</summary>
    public int StepBytes { get; private set; }

    /// <summary>Whether <see cref="Widen"/> makes float32 of its weights.</summary>
    public readonly bool Widens => _widen is not null;

    /// <summary>How far ahead the weights of a whole panel are asked for, in bytes, when its first rows pass it.</summary>
    public int Ahead { get; private set; }

    /// <summary>Whether it takes rows of bytes; else it takes floats.</summary>
    public bool TakesBytes { get; private set; }

    /// <summary>The kernels.</summary>
    /// <param name="format">How weights are stored, in panels.</param>
    /// <param name="activations">What rows are rounded to where weights are quantised.</param>
    /// <param name="set">The instruction set, which the processor must have.</param>
    public static TileKernel Of(TensorFormat format, ActivationPrecision activations, InstructionSet set)
    {
        TileKernel kernel = set switch
        {
            InstructionSet.Avx512Vnni when format.IsQuantized && activations == ActivationPrecision.Int8 => MachineBlocks(format),
            InstructionSet.Avx512Vnni or InstructionSet.Avx512AvxVnni => Of<Panel512, Panel512, Sums256<VnniDot>>(format.Precision, activations),
            InstructionSet.Avx512 => Of<Panel512, Panel512, Sums256<Avx2Dot>>(format.Precision, activations),
            InstructionSet.Avx2Vnni => Of<Panel256, HalfPanel256, Sums256<VnniDot>>(format.Precision, activations),
            InstructionSet.Avx2 => Of<Panel256, HalfPanel256, Sums256<Avx2Dot>>(format.Precision, activations),
            InstructionSet.Arm64DotProduct => Of<Panel128, HalfPanel128, Sums128<ArmDot>>(format.Precision, activations),
            _ => Of<Panel128, HalfPanel128, Sums128<PortableDot>>(format.Precision, activations),
        };
        kernel.Ahead = kernel.TakesBytes && format.Precision == Precision.Int8 && set == InstructionSet.Avx2 ? Prefetch.AheadOfInt8 : Prefetch.Ahead;
        return kernel;
    }

    /// <summary>Multiplies, and adds to the sums; as <see cref="FloatTile{TPanel,TWeights}.Run{TRows}"/>.</summary>
    /// <param name="count">How many rows, at most <see cref="MaxRows"/>.</param>
    /// <param name="panel">The weights.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="sums">The sums of the inputs before, <c>[count, 32]</c>.</param>
    /// <param name="ask">Where weights are asked for.</param>
    /// <param name="askStep">How much further with each step.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Run(int count, byte* panel, TileRows* rows, float* sums, byte* ask, nint askStep)
    {
        if (_machineBlockBytes != 0)
        {
            RunMachineCode(count, panel, rows, sums, ask);
            return;
        }

        ((delegate*<byte*, TileRows*, float*, byte*, nint, void>)_run[count - 1])(panel, rows, sums, ask, askStep);
    }

    /// <summary>Rows of a tile where there are so many: as many tiles as there must be, of as few rows as will do, since a small one at the end reads all weights for little.</summary>
    /// <param name="rows">How many there are.</param>
    public readonly int TileRows(int rows)
    {
        int tiles = (rows + MaxRows - 1) / MaxRows;
        return (rows + tiles - 1) / tiles;
    }

    /// <summary>Makes float32 of a stretch of a panel, for the kernels of float32; as <see cref="PanelWidening{TPanel,TWeights}.Run"/>.</summary>
    public readonly void Widen(byte* panel, nint steps, float* to) => _widen(panel, steps, to);

    private static TileKernel Of<TPanel, TPart, TSums>(Precision precision, ActivationPrecision activations)
        where TPanel : unmanaged, IWidePanel<TPanel>
        where TPart : unmanaged, IPanel<TPart>
        where TSums : unmanaged, ISums<TSums> => (precision, activations) switch
        {
            (Precision.Fp32, _) => Floats<TPanel, TPart, SingleWeights>(),
            (Precision.Bf16, _) => Halves<TPanel, TPart, BFloat16Weights>(),
            (Precision.Fp16, _) => Halves<TPanel, TPart, HalfWeights>(),
            (Precision.Int8, ActivationPrecision.Int8) => Blocks<TSums, Int8Weights>(),
            (Precision.Int4, ActivationPrecision.Int8) => Blocks<TSums, Int4Weights>(),
            (Precision.Int8, _) => Wide<TPanel, Int8Weights>(),
            (Precision.Int4, _) => Wide<TPanel, Int4Weights>(),
            _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "A precision that no kernel is written for."),
        };

    private static TileKernel Halves<TPanel, TPart, TWeights>()
        where TPanel : unmanaged, IPanel<TPanel>
        where TPart : unmanaged, IPanel<TPart>
        where TWeights : unmanaged, IFloatWeights =>
        Floats<TPanel, TPart, TWeights>() with { _widen = &PanelWidening<TPanel, TWeights>.Run };

    private static TileKernel Floats<TPanel, TPart, TWeights>()
        where TPanel : unmanaged, IPanel<TPanel>
        where TPart : unmanaged, IPanel<TPart>
        where TWeights : unmanaged, IFloatWeights
    {
        TileKernel kernel = new() { MaxRows = TPart.TileRows, WholeRows = TPanel.TileRows, StepBytes = TWeights.StepBytes, Passes = PanelLayout.Outputs / TPart.Outputs };
        Fill<TPart, TWeights>(ref kernel._run);
        if (typeof(TPanel) != typeof(TPart))
        {
            Pointers whole = default;
            Fill<TPanel, TWeights>(ref whole);
            whole[..TPanel.TileRows].CopyTo(kernel._run);
        }

        return kernel;
    }

    private static void Fill<TPanel, TWeights>(ref Pointers run)
        where TPanel : unmanaged, IPanel<TPanel>
        where TWeights : unmanaged, IFloatWeights
    {
        run[0] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<OneRow>;
        run[1] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<TwoRows>;
        run[2] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<ThreeRows>;
        run[3] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<FourRows>;
        run[4] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<FiveRows>;
        run[5] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<SixRows>;
        run[6] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<SevenRows>;
        run[7] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<EightRows>;
        run[8] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<NineRows>;
        run[9] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<TenRows>;
        run[10] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<ElevenRows>;
        run[11] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&FloatTile<TPanel, TWeights>.Run<TwelveRows>;
    }

    private static TileKernel Blocks<TSums, TBits>()
        where TSums : unmanaged, ISums<TSums>
        where TBits : unmanaged, IBlockWeights
    {
        TileKernel kernel = new() { MaxRows = BlockTile<TSums, TBits>.MaxRows, WholeRows = BlockTile<TSums, TBits>.MaxRows, TakesBytes = true };
        kernel._run[0] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&BlockTile<TSums, TBits>.Run<OneRow>;
        kernel._run[1] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&BlockTile<TSums, TBits>.Run<TwoRows>;
        kernel._run[2] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&BlockTile<TSums, TBits>.Run<ThreeRows>;
        kernel._run[3] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&BlockTile<TSums, TBits>.Run<FourRows>;
        kernel._run[4] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&BlockTile<TSums, TBits>.Run<FiveRows>;
        kernel._run[5] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&BlockTile<TSums, TBits>.Run<SixRows>;
        return kernel;
    }

    private static TileKernel MachineBlocks(TensorFormat format)
    {
        TileKernel kernel = new() { MaxRows = BlockTileCode.MaxRows, WholeRows = BlockTileCode.MaxRows, TakesBytes = true, _machineBlockBytes = PanelLayout.BlockBytes(format) };
        VnniTiles.Of(format.Precision, format.BlockSize).CopyTo(kernel._run);
        return kernel;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void RunMachineCode(int count, byte* panel, TileRows* rows, float* sums, byte* ask)
    {
        BlockTileArguments arguments = new()
        {
            Panel = panel,
            End = panel + rows->Blocks * _machineBlockBytes,
            Ahead = (nint)(ask - panel),
            Bytes = rows->Bytes,
            ByteStep = rows->RowsOfTile * rows->BlockSize,
            Blocks = rows->ByteBlocks,
            BlockStep = rows->RowsOfTile * sizeof(RowBlock),
            Sums = sums,
        };
        ((delegate* unmanaged<BlockTileArguments*, void>)_run[count - 1])(&arguments);
    }

    private static TileKernel Wide<TPanel, TBits>()
        where TPanel : unmanaged, IWidePanel<TPanel>
        where TBits : unmanaged, IBlockWeights
    {
        TileKernel kernel = new() { MaxRows = WideTile<TPanel, TBits>.MaxRows, WholeRows = WideTile<TPanel, TBits>.MaxRows };
        kernel._run[0] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&WideTile<TPanel, TBits>.Run<OneRow>;
        kernel._run[1] = (nint)(delegate*<byte*, TileRows*, float*, byte*, nint, void>)&WideTile<TPanel, TBits>.Run<TwoRows>;
        return kernel;
    }

    [InlineArray(MostRows)]
    private struct Pointers
    {
        private nint _first;
    }
}
