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
    public long KvReservedBytes => _models.Sum(model => model.Generator.Loop.KvReservedBytes);

    /// <inheritdoc/>
    public long KvLimitBytes => _models.Sum(model => model.Generator.Loop.KvLimitBytes);

    /// <summary>A model serves under the name.</summary>
    public void Add(ServedModel model)
    {
        lock (_gate)
        {
            _models = [.. _models, model];
        }
    }

    /// <summary>It does no more.</summary>
    public void Remove(ServedModel model)
    {
        lock (_gate)
        {
            _models = [.. _models.Where(other => other != model)];
        }
    }
}
