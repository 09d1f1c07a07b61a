namespace LeadPipeline.Mcp.Crm.Mock;

/// <summary>Settings of the mock CRM.</summary>
public sealed class MockOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Mock";

    /// <summary>Time that a call takes, half of it before it is carried out; longer only when its own work takes longer than the second half: <c>realistic</c> (100–400 ms), a duration <c>hh:mm:ss</c>, or empty for none. Default none.</summary>
    public string? Latency { get; set; }

    /// <summary>Faults for drills, see <see cref="MockFaults"/>. Default none.</summary>
    public string? Faults { get; set; }
}

/// <summary>A real small CRM in our own database: the same rules, keys and refusals as the vendors', and faults on demand.</summary>
public sealed class MockCrm(IMockCrmStore store, MockFaults faults, Func<TimeSpan> latency, TimeProvider time) : ICrm
{
    /// <inheritdoc/>
    public string Provider => "mock";

    /// <inheritdoc/>
    public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken) => TravelAsync(() => AnswerAsync(query, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => TravelAsync(() => AnswerAsync(batch, cancellationToken), cancellationToken);

    private async Task<CrmView> AnswerAsync(CrmQuery query, CancellationToken cancellationToken)
    {
        try
        {
            return await store.ReadAsync(query, cancellationToken);
        }
        catch (Exception exception) when (store.IsTransient(exception))
        {
            throw new CrmUnavailableException(NotNowKind.Transient, "the mock CRM's database did not answer", inner: exception);
        }
    }

    private async Task<IReadOnlyList<CrmOutcome>> AnswerAsync(CrmBatch batch, CancellationToken cancellationToken)
    {
        var outcomes = new CrmOutcome[batch.Writes.Count];
        var accepted = new List<int>();
        var refused = new HashSet<string>();
        CrmOutcome? stop = null;
        var lost = new List<int>();

        for (var i = 0; i < outcomes.Length; i++)
        {
            var write = batch.Writes[i];
            if (stop is not null && !SameStep(i))
            {
                outcomes[i] = new CrmOutcome.NotTried();
                continue;
            }
            if (!SameStep(i) && write.References.Any(refused.Contains))
            {
                // What refers to a refused record cannot be written either, nor what refers to that.
                Refuse(i, CrmCodes.InvalidReference, "the record that it refers to was refused");
                continue;
            }
            // A step is one call, however many records it writes.
            var fault = SameStep(i) ? null : faults.Next(write.Tool, batch.Email);
            switch (fault)
            {
                case null when SameStep(i) && !accepted.Contains(i - 1):
                    outcomes[i] = new CrmOutcome.NotTried();
                    break;
                case null:
                    accepted.Add(i);
                    if (lost.Contains(i - 1))
                        lost.Add(i);
                    break;
                case MockFault.Permanent:
                    Refuse(i, CrmCodes.Permanent, "the CRM refused the call");
                    break;
                case MockFault.DropAfterAccept:
                    accepted.Add(i);
                    lost.Add(i);
                    stop = new CrmOutcome.Unknown("the connection was lost after the CRM had accepted the call");
                    break;
                case MockFault.Timeout:
                    outcomes[i] = stop = new CrmOutcome.Unknown("the CRM did not answer in time");
                    break;
                default:
                    outcomes[i] = stop = NotNow(fault.Value);
                    break;
            }
        }

        await ApplyAsync(batch, accepted, outcomes, cancellationToken);
        foreach (var i in lost)
            outcomes[i] = stop!;
        if (stop is CrmOutcome.Unknown && lost.Count == 0)
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return outcomes;

        void Refuse(int i, string code, string message)
        {
            outcomes[i] = new CrmOutcome.Refused(code, message);
            _ = refused.Add(batch.Writes[i].Step);
            if (batch.StopAtRefusal.Contains(batch.Writes[i].Step))
                stop = outcomes[i];
        }

        bool SameStep(int i) => i > 0 && batch.Writes[i - 1].Step == batch.Writes[i].Step;
    }

    private async Task ApplyAsync(CrmBatch batch, List<int> accepted, CrmOutcome[] outcomes, CancellationToken cancellationToken)
    {
        if (accepted.Count == 0)
            return;
        try
        {
            var answers = await store.WriteAsync(batch with { Writes = accepted.ConvertAll(i => batch.Writes[i]) }, cancellationToken);
            for (var k = 0; k < accepted.Count; k++)
                outcomes[accepted[k]] = answers[k];
        }
        catch (Exception exception) when (store.IsTransient(exception) || exception is OperationCanceledException)
        {
            // The commit may have happened.
            foreach (var i in accepted)
                outcomes[i] = new CrmOutcome.Unknown("the mock CRM's database did not answer");
        }
    }

    private static CrmOutcome.NotNow NotNow(MockFault fault) => fault switch
    {
        MockFault.RateLimited => new(NotNowKind.RateLimited, "the CRM's limit is reached", TimeSpan.FromSeconds(2)),
        MockFault.Unauthorized => new(NotNowKind.Unauthorized, "the CRM refuses the credentials"),
        _ => new(NotNowKind.Transient, "the CRM answered 503"),
    };

    /// <summary>
    /// The time that a call takes is there and back, our own work within it: a call given up in the first half is never carried out, one given up in the second half is, and nobody hears of it.
    /// </summary>
    private async Task<T> TravelAsync<T>(Func<Task<T>> answer, CancellationToken cancellationToken)
    {
        var takes = latency();
        if (takes <= TimeSpan.Zero)
            return await answer();
        var back = Task.Delay(takes, time, cancellationToken);
        await Task.Delay(takes / 2, time, cancellationToken);
        var answered = await answer();
        await back;
        return answered;
    }
}
