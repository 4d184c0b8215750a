using SpecDecode.Generation;

namespace SpecDecode.Hosting;

/// <summary>
/// A text from whatever a key has loaded when it is read: the model may be replaced between the call and the first token, and again
/// between two enumerations.
/// </summary>
internal sealed class RoutedStream : IAsyncEnumerable<GenerationUpdate>
{
    private readonly ModelHost _host;
    private readonly GenerationRequest _request;
    private readonly CancellationToken _cancellation;
    private readonly TextGenerator _generator;
    private readonly IAsyncEnumerable<GenerationUpdate> _updates;

    /// <summary>Makes one; what is wrong with the request is thrown now.</summary>
    public RoutedStream(ModelHost host, GenerationRequest request, CancellationToken cancellationToken)
    {
        _host = host;
        _request = request;
        _cancellation = cancellationToken;
        _generator = host.Generator;
        _updates = _generator.GenerateAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    public IAsyncEnumerator<GenerationUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default) => new Enumerator(this, cancellationToken);

    private sealed class Enumerator(RoutedStream stream, CancellationToken cancellationToken) : IAsyncEnumerator<GenerationUpdate>
    {
        private TextGenerator _generator = stream._generator;
        private IAsyncEnumerator<GenerationUpdate> _updates = stream._updates.GetAsyncEnumerator(cancellationToken);
        private bool _hasBegun;

        public GenerationUpdate Current => _updates.Current;

        public ValueTask<bool> MoveNextAsync() => _hasBegun ? _updates.MoveNextAsync() : Begin();

        public ValueTask DisposeAsync() => _updates.DisposeAsync();

        private async ValueTask<bool> Begin()
        {
            _hasBegun = true;
            while (true)
            {
                try
                {
                    await Follow().ConfigureAwait(false);
                    return await _updates.MoveNextAsync().ConfigureAwait(false);
                }
                catch (ShuttingDownException) when (stream._host.Generator != _generator)
                {
                }
            }
        }

        private async ValueTask Follow()
        {
            if (stream._host.Generator is var now && now != _generator)
            {
                await _updates.DisposeAsync().ConfigureAwait(false);
                _generator = now;
                _updates = now.GenerateAsync(stream._request, stream._cancellation).GetAsyncEnumerator(cancellationToken);
            }
        }
    }
}
