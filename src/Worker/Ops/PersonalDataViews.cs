using System.Collections.Concurrent;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Ops;

/// <summary>Writes down who looks at what is personal about a lead, before he sees it. Reading must work on when nothing can be written: then what is personal is masked.</summary>
public sealed partial class PersonalDataViews(LeadOperations operations, TimeProvider time, ILogger<PersonalDataViews> logger)
{
    private static readonly TimeSpan OneLook = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(Guid Lead, string Actor), DateTimeOffset> written = new();
    private readonly KeyedGate<(Guid Lead, string Actor)> writing = new();

    /// <summary>Writes one look down.</summary>
    /// <param name="id">The lead, or an alias of it.</param>
    /// <param name="where">On which surface, for example <c>console</c>.</param>
    /// <param name="actor">Who looks.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <returns><see cref="OperatorAnswer.Done"/> when it is durable; null when it could not be written, and then what is personal has to be masked.</returns>
    public async Task<OperatorAnswer?> WriteAsync(Guid id, string where, string actor, CancellationToken cancellationToken)
    {
        try
        {
            return await operations.ViewAsync(id, where, actor, cancellationToken);
        }
#pragma warning disable CA1031 // Whatever keeps the event from being written keeps only what is personal from being shown.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.NotWritten(logger, id, exception);
            return null;
        }
    }

    /// <summary>
    /// Writes a look over HTTP down, unless that was done within the minute: one event for all looks of a person at a lead, so that a program that polls does
    /// not fill the chain.
    /// </summary>
    /// <param name="id">The lead, or an alias of it.</param>
    /// <param name="actor">Who looks.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <returns>Whether it is durable; if not, what is personal has to be masked.</returns>
    public async Task<bool> WriteDownAsync(Guid id, string actor, CancellationToken cancellationToken)
    {
        using var only = await writing.EnterAsync((id, actor), cancellationToken);
        var now = time.GetUtcNow();
        if (written.TryGetValue((id, actor), out var at) && now - at < OneLook)
            return true;
        if (await WriteAsync(id, "http", actor, cancellationToken) is not OperatorAnswer.Done)
            return false;
        foreach (var over in written.Where(w => now - w.Value >= OneLook))
            _ = written.TryRemove(over);
        written[(id, actor)] = now;
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(520, LogLevel.Warning, "Lead {Lead}: that somebody looks at it could not be written down; it is shown masked")]
        public static partial void NotWritten(ILogger logger, Guid lead, Exception exception);
    }
}
