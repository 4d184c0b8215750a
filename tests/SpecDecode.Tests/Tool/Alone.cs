namespace SpecDecode.Tests.Tool;

/// <summary>Tests that measure the process's memory, so that no other test may run beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";
}
