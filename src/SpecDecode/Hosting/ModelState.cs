namespace SpecDecode.Hosting;

/// <summary>Where a model of a host is in its life.</summary>
public enum ModelState
{
    /// <summary>It is not loaded: the host has not come to it, or it has been unloaded.</summary>
    NotLoaded,

    /// <summary>It is being loaded.</summary>
    Loading,

    /// <summary>It answers.</summary>
    Ready,

    /// <summary>It takes no more requests, and goes when those that it has have ended.</summary>
    Unloading,

    /// <summary>It could not be loaded, or its engine has failed.</summary>
    Failed,

    /// <summary>The host stops.</summary>
    Stopping,
}
