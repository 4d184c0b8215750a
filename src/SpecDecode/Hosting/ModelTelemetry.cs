using System.Diagnostics.Metrics;
using SpecDecode.Diagnostics;
using SpecDecode.Generation;
using SpecDecode.Scheduling;

namespace SpecDecode.Hosting;

/// <summary>
/// The series of one model's name, for good: counters go on where they were when the model is replaced, or unloaded and loaded again,
/// and while one takes over from another the two are counted together.
/// </summary>
internal sealed class ModelTelemetry : IEngineLoad
{
    private readonly Lock _gate = new();
    private volatile ServedModel[] _models = [];
    private volatile IReadOnlyList<KeyValuePair<string, TimeSpan>> _loadTimes = [];

    // What engines had counted that are no more.
    private EngineTimes _formerTimes;
    private SearchProgress _formerSearch;

    /// <summary>Makes the instruments.</summary>
    /// <param name="meters">Makes the meter.</param>
    /// <param name="name">The model's name.</param>
    public ModelTelemetry(IMeterFactory meters, string name) =>
        Metrics = new SpecDecodeMetrics(meters, name, () => this, () => _models is [.., var latest] ? latest.Setup : null, EngineLoop.Refusals);

    /// <summary>Is told what the engines do.</summary>
    public SpecDecodeMetrics Metrics { get; }

    /// <inheritdoc/>
    public int LiveCount => _models.Sum(model => model.Generator.Loop.LiveCount);

    /// <inheritdoc/>
    public int WaitingCount => _models.Sum(model => model.Generator.Loop.WaitingCount);

    /// <inheritdoc/>
    public bool IsReady => _models.Any(model => model.Generator.Loop.IsReady);

    /// <inheritdoc/>
    public long KvUsedBytes => _models.Sum(model => model.Generator.Loop.KvUsedBytes);

    /// <inheritdoc/>
    public long KvReservedBytes => _models.Sum(model => model.Generator.Loop.KvReservedBytes);

    /// <inheritdoc/>
    public long KvLimitBytes => _models.Sum(model => model.Generator.Loop.KvLimitBytes);

    /// <inheritdoc/>
    public EngineTimes Times
    {
        get
        {
            lock (_gate)
            {
                return _models.Aggregate(_formerTimes, (sum, model) => sum + model.Generator.Loop.Times);
            }
        }
    }

    /// <inheritdoc/>
    public SearchProgress Search
    {
        get
        {
            lock (_gate)
            {
                return _models.Aggregate(_formerSearch, (sum, model) => sum + model.Generator.Loop.Search);
            }
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<KeyValuePair<string, TimeSpan>> LoadTimes => _loadTimes;

    /// <summary>A model serves under the name.</summary>
    /// <param name="model">The model.</param>
    /// <param name="loadTimes">What the time of its loading went into.</param>
    public void Add(ServedModel model, IReadOnlyList<KeyValuePair<string, TimeSpan>> loadTimes)
    {
        lock (_gate)
        {
            _models = [.. _models, model];
            _loadTimes = loadTimes;
        }
    }

    /// <summary>It does no more.</summary>
    public void Remove(ServedModel model)
    {
        lock (_gate)
        {
            EngineLoop loop = model.Generator.Loop;
            _formerTimes += loop.Times;
            _formerSearch = new SearchProgress(false, _formerSearch.Tried + loop.Search.Tried, _formerSearch.Adopted + loop.Search.Adopted, null, false);
            _models = [.. _models.Where(other => other != model)];
        }
    }
}
