using SpecDecode.Caching;
using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Speculation;
using SpecDecode.Stages;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Sampling;

/// <summary>
/// A model of two layers whose logits depend on the last token and on how many blocks its row went through: one table for the
/// drafter, which leaves after the first layer, and one for the full model. So the distribution of every text is known.
/// </summary>
internal sealed class MarkovStages : IStages, IFakeStages
{
    /// <summary>Tokens.</summary>
    public const int Vocabulary = 8;

    private const int Rows = 64;

    private readonly float[][][] _logits = new float[5][][];
    private (int Token, int Blocks)[] _residual = new (int, int)[Rows];
    private (int Token, int Blocks)[] _arranged = new (int, int)[Rows];
    private readonly (int Token, int Blocks)[] _kept = new (int, int)[Rows];
    private readonly float[] _scores = new float[Rows * Vocabulary];
    private int _rows;

    private readonly int[] _draftVocabulary;

    /// <param name="seed">Of the tables.</param>
    /// <param name="draftVocabulary">Tokens that drafts choose from; 0 for all.</param>
    /// <param name="writesForms">Whether 0, 1, 2, 3, one of the others, and then 0 again come nearly always.</param>
    public MarkovStages(int seed, int draftVocabulary = 0, bool writesForms = false)
    {
        _draftVocabulary = [.. Enumerable.Range(0, draftVocabulary)];
        // The drafter agrees with the model here and there; one token is masked in some rows, and some tie.
        Random random = new(seed);
        float[][] Table(Func<int, int, float> logit) =>
            [.. Enumerable.Range(0, Vocabulary).Select(last => Enumerable.Range(0, Vocabulary).Select(token => logit(last, token)).ToArray())];
        float[][] full = Table((last, token) => (last + token) % 11 == 3 ? float.NegativeInfinity : MathF.Round(random.NextSingle() * 12) / 4);
        _logits[4] = full;
        _logits[2] = Table((last, token) => (last * 3 + token) % 13 == 5 ? float.NegativeInfinity
            : (float.IsFinite(full[last][token]) ? 0.5f * full[last][token] : 1) + MathF.Round(random.NextSingle() * 8) / 4);
        for (int last = 0; writesForms && last < Vocabulary; last++)
        {
            foreach (int token in (int[])(last < 3 ? [last + 1] : last > 3 ? [0] : [4, 5, 6, 7]))
            {
                full[last][token] = 9 + MathF.Round(random.NextSingle() * 4) / 4;
                _logits[2][last][token] = full[last][token] + MathF.Round(random.NextSingle() * 4) / 4;
            }
        }
    }

    public int LayerCount => 2;

    public int VocabularySize => Vocabulary;

    public int MaxSequenceLength => 64;

    public int ResidualWidth => 2;

    public int MaxRows => Rows;

    public int MaxScoredRows => 24;

    public Precision? DraftPrecision => null;

    public long RuntimeTicks => 0;

    /// <summary>The model's distribution of the token behind one, under options.</summary>
    public double[] Full(int last, SamplingOptions sampling) => PlainDistribution.Of(_logits[4][last], sampling);

    /// <summary>The drafter's.</summary>
    public double[] Drafter(int last, SamplingOptions sampling) => PlainDistribution.Of(_logits[2][last], sampling);

    /// <summary>
    /// Writes texts behind token 0, eight at a time, each with its own seed and draft length, through the scheduler.
    /// </summary>
    /// <param name="count">Texts.</param>
    /// <param name="sampling">How tokens are chosen; the seed is that of the first text.</param>
    /// <param name="drafts">Whether they draft, 1 to 5 tokens, with a threshold or without.</param>
    /// <param name="length">New tokens of each.</param>
    /// <param name="rules">The rules; null takes those that there are.</param>
    public int[][] Write(int count, SamplingOptions sampling, bool drafts, int length, AcceptanceRules? rules = null) => Write(
        count, sampling, length, rules, i => !drafts ? null : new DraftPlan
        {
            Plan = LayerPlan.EarlyExit(2, 1), Length = 1 + i % 5, Threshold = (i / 5 % 3) switch { 0 => 0.3f, 1 => 0.15f, _ => 0 },
        });

    /// <summary>The same, with drafts as each text's number says.</summary>
    public int[][] Write(int count, SamplingOptions sampling, int length, AcceptanceRules? rules, Func<int, SequenceDrafting?> drafting)
    {
        Scheduler scheduler = new(this, new SchedulerLimits(8, long.MaxValue, 4), rules);
        int[][] texts = new int[count][];
        List<Sequence> batch = [];
        for (int first = 0; first < count; first += batch.Count)
        {
            batch.Clear();
            for (int i = first; i < Math.Min(count, first + 24); i++)
            {
                batch.Add(new Sequence([0], length, new HashSet<int>(), null, drafting(i), new Sampler(sampling with { Seed = sampling.Seed + i })));
                scheduler.Add(batch[^1]);
            }

            while (!scheduler.IsIdle)
            {
                scheduler.Step();
            }

            for (int i = 0; i < batch.Count; i++)
            {
                texts[first + i] = batch[i].NewTokens.ToArray();
            }
        }

        return texts;
    }

    public FakeKvMemory Memory { get; } = new(1);

    public KvPool Pages => field ??= new KvPool(Memory);

    public void Embed(RowBatch batch, WeightSet weights = WeightSet.Verifier)
    {
        _rows = batch.Rows;
        for (int row = 0; row < _rows; row++)
        {
            _residual[row] = (batch.Tokens[row], 0);
        }
    }

    public void Run(Block block, RowBatch batch)
    {
        for (int row = 0; row < _rows; row++)
        {
            _residual[row].Blocks++;
        }
    }

    public void Keep(int row, int slot) => _kept[slot] = _residual[row];

    public void ReadResidual(int row, Span<float> destination) => (destination[0], destination[1]) = _residual[row];

    public void Arrange(IReadOnlyList<RowSource> sources, RowBatch batch)
    {
        int row = 0;
        for (int i = 0; i < sources.Count; i++)
        {
            (sources[i].IsKept ? _kept : _residual).AsSpan(sources[i].First, sources[i].Rows).CopyTo(_arranged.AsSpan(row));
            row += sources[i].Rows;
        }

        (_residual, _arranged) = (_arranged, _residual);
        _rows = row;
    }

    public Span<float> Head(ReadOnlySpan<int> rows)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            (int token, int blocks) = _residual[rows[i]];
            Span<float> scores = _scores.AsSpan(i * Vocabulary, Vocabulary);
            _logits[blocks][token].CopyTo(scores);
            for (int other = 0; other < Vocabulary && blocks < 4 && _draftVocabulary.Length > 0; other++)
            {
                // Also here: where a seed is to be repeated, drafts choose from all tokens.
                scores[other] = _draftVocabulary.Contains(other) ? scores[other] : float.NegativeInfinity;
            }
        }

        return _scores.AsSpan(0, rows.Length * Vocabulary);
    }

    public ReadOnlySpan<int> DraftVocabulary => _draftVocabulary;

    public void PutInDraftVocabulary(int place, int token) => _draftVocabulary[place] = token;

    public void Dispose()
    {
    }
}
