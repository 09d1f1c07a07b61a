namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>Writes one batch: looks at the records it is about, then sends call after call until all is written or something is in the way.</summary>
internal sealed class HubSpotWriter(HubSpotClient client, HubSpotSchema schema, HubSpotOptions options, HubSpotLists lists, TimeProvider time)
{
    public async Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken)
    {
        if (batch.Writes.Count == 0)
            return [];
        WriteState state;
        Func<string, string?> owner;
        try
        {
            owner = await OwnersAsync(batch, cancellationToken);
            state = new WriteState(batch, schema, await LookAsync(batch, cancellationToken));
        }
        catch (CrmUnavailableException unavailable)
        {
            return [.. batch.Writes.Select((_, i) => i == 0
                ? (CrmOutcome)new CrmOutcome.NotNow(unavailable.Kind, unavailable.Message, unavailable.RetryAfter, unavailable.Fault)
                : new CrmOutcome.NotTried())];
        }
        var planner = new CallPlanner(state, schema, options, time.GetUtcNow, owner);
        while (planner.Next() is { } call)
        {
            if (cancellationToken.IsCancellationRequested)
                state.Stop(call.Inputs[0].Writes[0], new CrmOutcome.NotNow(NotNowKind.Transient, "there was no time left for the rest", Fault: CrmFault.Timeout));
            else if (await MayBeSentAsync(call, state, cancellationToken))
                await TakeAsync(call, state, await SendAsync(call, cancellationToken), cancellationToken);
        }
        return state.Outcomes();
    }

    /// <summary>
    /// The records that the batch changes or removes, read immediately before it: HubSpot has no conditional update, so a change is noticed if it
    /// was made before this moment.
    /// </summary>
    private async Task<Dictionary<(string, string), HubSpotRecord>> LookAsync(CrmBatch batch, CancellationToken cancellationToken)
    {
        var targets = new WriteState(batch, schema, []);
        var answers = await Task.WhenAll(Enumerable.Range(0, batch.Writes.Count).Select(targets.Target).OfType<(string Type, string Id)>().Distinct().GroupBy(t => t.Type, t => t.Id)
            .Select(async group => (Type: group.Key, Records: await client.ReadAsync(group.Key, group, null, cancellationToken))));
        return answers.SelectMany(a => a.Records.Select(r => (a.Type, Record: r))).ToDictionary(r => (r.Type, r.Record.Id), r => r.Record);
    }

    /// <summary>Owners may be named by their address; HubSpot takes ids only.</summary>
    private async Task<Func<string, string?>> OwnersAsync(CrmBatch batch, CancellationToken cancellationToken)
    {
        var named = batch.Writes.Any(w => w switch
        {
            CreateRecord create => create.Fields.GetValueOrDefault(CrmFields.Owner),
            UpdateRecord update => update.Fields.GetValueOrDefault(CrmFields.Owner),
            _ => null,
        } is { } name && name.Contains('@', StringComparison.Ordinal));
        var owners = named ? await lists.OwnersAsync(cancellationToken) : [];
        return address => owners.FirstOrDefault(o => string.Equals(o[CrmFields.Email], address, StringComparison.OrdinalIgnoreCase))?.Id;
    }

    /// <summary>HubSpot archives a company whoever belongs to it; we do not.</summary>
    private async Task<bool> MayBeSentAsync(PlannedCall call, WriteState state, CancellationToken cancellationToken)
    {
        if (call is not { Kind: CallKind.Archive, Type: HubSpotSchema.Companies, Inputs: [{ Id: { } id, Writes: [var write] }] })
            return true;
        try
        {
            foreach (var member in (string[])[HubSpotSchema.Contacts, HubSpotSchema.Deals])
            {
                if (!(await client.AssociatedAsync(call.Type, member, [id], cancellationToken))[id].Any())
                    continue;
                state.Refuse(write, new(CrmCodes.Permanent, "other records belong to the account by now"));
                return false;
            }
            return true;
        }
        catch (CrmUnavailableException unavailable)
        {
            state.Stop(write, new CrmOutcome.NotNow(unavailable.Kind, unavailable.Message, unavailable.RetryAfter, unavailable.Fault));
            return false;
        }
    }

    private Task<WriteAnswer> SendAsync(PlannedCall call, CancellationToken cancellationToken) => call.Kind switch
    {
        CallKind.Create => client.CreateAsync(call.Type, call.Inputs, cancellationToken),
        CallKind.Update => client.UpdateAsync(call.Type, call.Inputs, cancellationToken),
        CallKind.Archive => client.ArchiveAsync(call.Type, call.Inputs, cancellationToken),
        CallKind.Link => client.LinkAsync(call.Type, call.Inputs[0], cancellationToken),
        _ => client.UnlinkAsync(call.Type, call.Inputs[0], cancellationToken),
    };

    private async Task TakeAsync(PlannedCall call, WriteState state, WriteAnswer answer, CancellationToken cancellationToken)
    {
        var writes = call.Inputs.SelectMany(i => i.Writes).Order().ToList();
        switch (answer)
        {
            case WriteAnswer.Items items:
                // Done first: a refusal may end the batch, and what was done beside it was done all the same.
                foreach (var item in items.All.OrderBy(i => i is not WriteItem.Done))
                    await TakeAsync(call, state, item, cancellationToken);
                break;
            // Without a word on whose fault it is, each is asked again by itself.
            case WriteAnswer.Refused { Error.Status: not 403 } when call.Inputs.Count > 1:
                state.Separate(call.Inputs.Select(i => i.Writes[0]));
                break;
            case WriteAnswer.Refused refused:
                foreach (var input in call.Inputs)
                    await TakeAsync(call, state, new WriteItem.Refused(input, refused.Error), cancellationToken);
                break;
            case WriteAnswer.NotNow notNow:
                state.Stop(writes[0], notNow.Outcome);
                break;
            case WriteAnswer.Lost lost:
                state.Lose(writes, lost.Outcome);
                break;
        }
    }

    private async Task TakeAsync(PlannedCall call, WriteState state, WriteItem item, CancellationToken cancellationToken)
    {
        switch (item)
        {
            case WriteItem.Done done:
                TakeDone(call, state, done);
                break;
            case WriteItem.Unsaid unsaid:
                state.Lose(unsaid.Input.Writes, new("HubSpot's answer does not mention it"));
                break;
            case WriteItem.Refused { Error.IsConflict: true } taken when call.Kind == CallKind.Create:
                await TakeConflictAsync(call, state, taken.Input, cancellationToken);
                break;
            case WriteItem.Refused { Input.Writes: [_, _, ..] } together:
                state.Separate(together.Input.Writes);
                break;
            case WriteItem.Refused { Input.Writes: [var write] } refused:
                state.Refuse(write, refused.Error.ToRefusal());
                break;
        }
    }

    private void TakeDone(PlannedCall call, WriteState state, WriteItem.Done done)
    {
        var (input, head) = (done.Input, done.Input.Writes[0]);
        var id = done.Record?.Id ?? input.Id!;
        // The answer need not hold every property that we sent, but those that it holds are as HubSpot has them.
        var record = (state.Record(call.Type, id) ?? new HubSpotRecord(id, new Dictionary<string, string?>())).With(input.Properties).With(done.Record?.Properties ?? new Dictionary<string, string?>());
        switch (call.Kind)
        {
            case CallKind.Archive:
                state.Done(head, id, null);
                return;
            case CallKind.Link or CallKind.Unlink:
                // The write is done when all of its links are; the planner sees to that.
                state.Keep(call.Type, record.With([KeyValuePair.Create(HubSpotSchema.LinkProperty(call.Type, input.Links[0].Type), call.Kind == CallKind.Link ? input.Links[0].Id : null)]));
                state.MarkPropertiesDone(head);
                return;
            case CallKind.Create when call.Type == HubSpotSchema.Contacts && input.Links.FirstOrDefault(l => l.Type == HubSpotSchema.Companies).Id is { } company:
                record = record.With([KeyValuePair.Create(HubSpotSchema.PrimaryCompany, (string?)company)]);
                break;
        }
        state.Keep(call.Type, record);
        foreach (var write in input.Writes)
            TakeDone(call, state, write, record);
    }

    private void TakeDone(PlannedCall call, WriteState state, int write, HubSpotRecord record)
    {
        switch (state[write])
        {
            case CreateRecord { Object: CrmObject.CampaignMember } member:
                state.Done(write, CampaignMembership.Id(record.Id, member.Fields[CrmFields.Campaign]), "1");
                break;
            case RemoveRecord remove:
                state.Done(write, remove.Id, null);
                break;
            // A contact that was taken into the company as it was made.
            case UpdateRecord update when HubSpotSchema.TypeOf(update.Object) != call.Type:
                var (type, id) = state.Target(write)!.Value;
                var contact = state.Record(type, id)!.With([KeyValuePair.Create(HubSpotSchema.PrimaryCompany, (string?)record.Id)]);
                state.Keep(type, contact);
                state.Done(write, id, schema.Version(update.Object, contact));
                break;
            case UpdateRecord update when call.Kind == CallKind.Update && update.Fields.Keys.Any(CrmFields.IsLink):
                state.MarkPropertiesDone(write);
                break;
            default:
                state.Done(write, record.Id, schema.Version(state[write].Object, record));
                break;
        }
    }

    /// <summary>A unique value is taken: by the record that an earlier try of this very step made, or by somebody else's.</summary>
    private async Task TakeConflictAsync(PlannedCall call, WriteState state, WriteInput input, CancellationToken cancellationToken)
    {
        var (head, create) = (input.Writes[0], (CreateRecord)state[input.Writes[0]]);
        HubSpotRecord? ours;
        try
        {
            ours = await client.ReadAsync(call.Type, [create.EffectKey], options.EffectProperty, cancellationToken) is [var found, ..] ? found : null;
        }
        catch (CrmUnavailableException unavailable)
        {
            state.Stop(head, new CrmOutcome.NotNow(unavailable.Kind, unavailable.Message, unavailable.RetryAfter, unavailable.Fault));
            return;
        }
        if (ours is not null)
        {
            state.Keep(call.Type, ours);
            state.Done(head, ours.Id, schema.Version(create.Object, ours), replayed: true);
            // What was to go in with it did not; whoever asks reads the record as it is now and decides anew.
            if (input.Writes.Count > 1)
                state.Stop(input.Writes[1], new CrmOutcome.Refused(CrmCodes.ChangedSince, "the record was there already"));
        }
        else if (call.Type is HubSpotSchema.Contacts or HubSpotSchema.Companies)
        {
            state.Stop(head, new CrmOutcome.Refused(CrmCodes.ChangedSince, $"a {create.Object} with this key or address is there by now"));
        }
        else
        {
            state.Refuse(head, new(CrmCodes.Permanent, "HubSpot says that a unique value is taken, and does not know by what"));
        }
    }
}
