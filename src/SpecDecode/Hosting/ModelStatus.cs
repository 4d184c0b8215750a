using SpecDecode.Generation;
using SpecDecode.LayerSearch;

namespace SpecDecode.Hosting;

/// <summary>How a model of a host is.</summary>
public sealed record ModelStatus
{
    /// <summary>What it is asked for by: its key in the section <c>Models</c> or the name that it was added with; empty for the model without one.</summary>
    public required string Key { get; init; }

    /// <summary>What metrics, spans and logs call it; null where it has never been loaded.</summary>
    public string? Name { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required ModelState State { get; init; }

    /// <summary>How far its loading is, or that of what replaces it; null while nothing is loaded.</summary>
    public LoadProgress? Progress { get; init; }

    /// <summary>What went wrong; null while nothing did.</summary>
    public Exception? Error { get; init; }

    /// <summary>What is loaded; null where nothing is.</summary>
    public ModelInfo? Model { get; init; }

    /// <summary>How far the search for layers to leave out has come (<see cref="Drafting.DraftingStrategy.Swift"/>); null where there is none.</summary>
    public LayerSearchState? LayerSearch { get; init; }

    /// <summary>Whether as many requests are answered or wait as may, so that the next one is refused.</summary>
    public bool IsQueueFull { get; init; }

    /// <summary>Whether drafting is suspended: its policy failed in the last step, and texts go on without drafts.</summary>
    public bool DraftingFails { get; init; }

    /// <summary>The status in words.</summary>
    public override string ToString()
    {
        string who = Name ?? (Key.Length == 0 ? "(unnamed)" : Key);
        string state = State switch
        {
            ModelState.NotLoaded => "not loaded",
            ModelState.Loading => "loading",
            ModelState.Ready => "ready",
            ModelState.Unloading => "unloading",
            ModelState.Stopping => "stopping",
            _ => "failed",
        };
        string detail = Error is not null ? $" ({Error.Message})"
            : Progress is not { } progress ? ""
            : State == ModelState.Ready ? $" (what replaces it: {progress})"
            : $" ({progress})";
        return $"{who}: {state}{detail}";
    }
}
