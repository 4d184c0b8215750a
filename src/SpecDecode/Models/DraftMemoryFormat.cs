using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using SpecDecode.Checkpoints;
using SpecDecode.Drafting;

namespace SpecDecode.Models;

/// <summary>
/// The bytes of what drafting has learnt: a mark, the format's version, whose it is, the state, and a hash of all that. Numbers are little-endian.
/// </summary>
internal static class DraftMemoryFormat
{
    /// <summary>No such file is longer: as many plans as are kept, with everything measured that can be, take less.</summary>
    public const int MostBytes = 8 << 20;

    // Raised whenever the same bytes would mean something else.
    private const int Version = 2;

    private const int HeadBytes = 28;
    private const int HashBytes = 16;

    // A plan of more blocks than any model has; others are not kept.
    private const int MostPlanText = 1 << 14;

    private static ReadOnlySpan<byte> Mark => "SpecDrft"u8;

    /// <summary>Writes a state.</summary>
    /// <param name="identity">Whose it is.</param>
    /// <param name="state">The state.</param>
    public static byte[] Write(ContentHash identity, PolicyState state)
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream, Encoding.UTF8);
        writer.Write(Mark);
        writer.Write(Version);
        Span<byte> whose = stackalloc byte[HashBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(whose, identity.Lower);
        BinaryPrimitives.WriteUInt64LittleEndian(whose[sizeof(ulong)..], identity.Upper);
        writer.Write(whose);
        Write(writer, state.Plain);
        Write(writer, state.Lookup);
        Write(writer, state.DoubtedLookup);
        PlanState[] plans = [.. state.Plans.Where(plan => plan.Blocks.Length <= MostPlanText)];
        writer.Write(plans.Length);
        foreach (PlanState plan in plans)
        {
            Write(writer, plan);
        }

        writer.Flush();
        writer.Write(XxHash128.Hash(stream.ToArray()));
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Reads a state.</summary>
    /// <param name="bytes">From wherever.</param>
    /// <param name="identity">Whose it is to be.</param>
    /// <param name="doubt">Why it is not taken; null where it is.</param>
    /// <returns>The state; null where it is not taken.</returns>
    public static PolicyState? Read(ReadOnlySpan<byte> bytes, ContentHash identity, out string? doubt)
    {
        doubt = "it is damaged";
        if (bytes.Length < HeadBytes + HashBytes || !bytes.StartsWith(Mark) || !XxHash128.Hash(bytes[..^HashBytes]).AsSpan().SequenceEqual(bytes[^HashBytes..]))
        {
            return null;
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(bytes[Mark.Length..]);
        ReadOnlySpan<byte> whose = bytes[(Mark.Length + sizeof(int))..];
        if (version != Version
            || new ContentHash(BinaryPrimitives.ReadUInt64LittleEndian(whose[sizeof(ulong)..]), BinaryPrimitives.ReadUInt64LittleEndian(whose)) != identity)
        {
            doubt = version != Version ? $"it is of format version {version}, and this version of the library reads {Version}"
                : "it is of another model, or of other settings";
            return null;
        }

        Reader reader = new(bytes[HeadBytes..^HashBytes]);
        PolicyState state = new() { Plain = reader.Curves(), Lookup = reader.Calibrations(), DoubtedLookup = reader.Calibrations(), Plans = reader.Plans() };
        if (!reader.IsAtEnd || !state.IsSound())
        {
            return null;
        }

        doubt = null;
        return state;
    }

    private static void Write(BinaryWriter writer, PlanState plan)
    {
        writer.Write(Encoding.UTF8.GetByteCount(plan.Blocks));
        writer.Write(Encoding.UTF8.GetBytes(plan.Blocks));
        writer.Write(plan.UsesDraftWeights);
        Write(writer, plan.Calibrations);
        Write(writer, [plan.Draft, .. plan.Verify]);
        Write(writer, plan.Wide);
        writer.Write(plan.Rounds);
        writer.Write(plan.Ratios);
        writer.Write(plan.ProbeAfter);
        writer.Write(plan.StepsToProbe);
        writer.Write(plan.Looks);
    }

    private static void Write(BinaryWriter writer, CalibrationState[] calibrations)
    {
        writer.Write(calibrations.Length);
        foreach (CalibrationState calibration in calibrations)
        {
            foreach (double[] sums in (double[][])[calibration.Evaluated, calibration.Accepted, calibration.Predicted, calibration.NextCounts, calibration.NextChances])
            {
                Array.ForEach(sums, writer.Write);
            }

            writer.Write(calibration.FirstCount);
            writer.Write(calibration.FirstChances);
            writer.Write(calibration.BehindCount);
            writer.Write(calibration.BehindChances);
        }
    }

    private static void Write(BinaryWriter writer, CostState?[] curves)
    {
        writer.Write(curves.Length);
        foreach (CostState? curve in curves)
        {
            // As it will be taken: single times are of no use to another process.
            RowCost[] costs = curve?.Prior().Costs ?? [];
            writer.Write(costs.Length);
            foreach (RowCost cost in costs)
            {
                writer.Write(cost.Rows);
                writer.Write(cost.Weight);
                writer.Write(cost.Age);
                writer.Write(cost.Drift);
                writer.Write(cost.Seconds.Length);
                Array.ForEach(cost.Seconds, seconds => writer.Write((float)seconds));
            }
        }
    }

    /// <summary>
    /// Reads on behind what it has read. Where bytes are missing, or a number of things is more than there may be, everything from there on is
    /// empty; so nothing is allocated by a number that the file makes up.
    /// </summary>
    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _bytes = bytes;
        private bool _hasFailed;

        /// <summary>Whether all was read, and nothing was missing.</summary>
        public readonly bool IsAtEnd => !_hasFailed && _bytes.IsEmpty;

        public PlanState[] Plans()
        {
            PlanState[] plans = new PlanState[Count(PolicyState.MostPlans)];
            for (int i = 0; i < plans.Length; i++)
            {
                string blocks = Encoding.UTF8.GetString(Take(Count(MostPlanText)));
                bool usesDraftWeights = Take(1) is [not 0];
                CalibrationState[] calibrations = Calibrations();
                CostState?[] curves = Curves();
                CostState?[] wide = Curves();
                plans[i] = new PlanState
                {
                    Blocks = blocks, UsesDraftWeights = usesDraftWeights, Calibrations = calibrations, Draft = curves is [var draft, ..] ? draft : null,
                    Verify = curves is [_, .. var verify] ? verify : [], Wide = wide, Rounds = Double(), Ratios = Double(),
                    ProbeAfter = Integer(), StepsToProbe = Integer(), Looks = Integer(),
                };
            }

            return plans;
        }

        public CalibrationState[] Calibrations()
        {
            CalibrationState[] calibrations = new CalibrationState[Count(Enum.GetValues<Sampling.AcceptanceRule>().Length)];
            for (int i = 0; i < calibrations.Length; i++)
            {
                calibrations[i] = new CalibrationState
                {
                    Evaluated = Doubles(), Accepted = Doubles(), Predicted = Doubles(), NextCounts = Doubles(), NextChances = Doubles(),
                    FirstCount = Double(), FirstChances = Double(), BehindCount = Double(), BehindChances = Double(),
                };
            }

            return calibrations;
        }

        public CostState?[] Curves()
        {
            CostState?[] curves = new CostState?[Count(BatchSize.Classes + 1)];
            for (int i = 0; i < curves.Length; i++)
            {
                RowCost[] costs = new RowCost[Count(CostCurve.MostRows)];
                for (int row = 0; row < costs.Length; row++)
                {
                    int rows = Integer();
                    double weight = Double();
                    long age = BinaryPrimitives.TryReadInt64LittleEndian(Take(sizeof(long)), out long read) ? read : -1;
                    double drift = Double();
                    double[] seconds = new double[Count(CostCurve.KeptSamples)];
                    for (int sample = 0; sample < seconds.Length; sample++)
                    {
                        seconds[sample] = BinaryPrimitives.TryReadSingleLittleEndian(Take(sizeof(float)), out float time) ? time : double.NaN;
                    }

                    costs[row] = new RowCost { Rows = rows, Weight = weight, Age = age, Drift = drift, Seconds = seconds };
                }

                curves[i] = costs.Length > 0 ? new CostState { Costs = costs } : null;
            }

            return curves;
        }

        private ReadOnlySpan<byte> Take(int count)
        {
            _hasFailed |= count > _bytes.Length;
            if (_hasFailed)
            {
                return [];
            }

            ReadOnlySpan<byte> taken = _bytes[..count];
            _bytes = _bytes[count..];
            return taken;
        }

        private int Integer() => BinaryPrimitives.TryReadInt32LittleEndian(Take(sizeof(int)), out int value) ? value : 0;

        private double Double() => BinaryPrimitives.TryReadDoubleLittleEndian(Take(sizeof(double)), out double value) ? value : double.NaN;

        private double[] Doubles()
        {
            double[] values = new double[AcceptanceCalibration.Bins];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = Double();
            }

            return values;
        }

        private int Count(int most)
        {
            int count = Integer();
            _hasFailed |= count < 0 || count > most;
            return _hasFailed ? 0 : count;
        }
    }
}
