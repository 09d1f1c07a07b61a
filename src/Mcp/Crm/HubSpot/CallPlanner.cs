namespace LeadPipeline.Mcp.Crm.HubSpot;

/// <summary>What a call does.</summary>
internal enum CallKind { Create, Update, Archive, Link, Unlink }

/// <summary>One call to come.</summary>
internal sealed record PlannedCall(CallKind Kind, string Type, IReadOnlyList<WriteInput> Inputs);

/// <summary>
/// Chooses the next call: the first write that waits, and every later one that can go with it. Pure.
/// <para>
/// A later write goes ahead of earlier ones only where nobody can tell afterwards, or where it does no harm: never past a critical step that
/// has not succeeded, since what follows a refused critical step must not have happened. One exception: fields of a record that the call
/// creates go in with it, whatever stands between. If the plan fails later, the record is withdrawn, and they with it.
/// </para>
/// </summary>
internal sealed class CallPlanner(WriteState state, HubSpotSchema schema, HubSpotOptions options, Func<DateTimeOffset> now, Func<string, string?> owner)
{
    /// <summary>The next call; null: nothing waits any more.</summary>
    public PlannedCall? Next()
    {
        while (true)
        {
            state.SettleDoomed();
            if (state.IsOver || state.Pending.Select(i => (int?)i).FirstOrDefault() is not { } head)
                return null;
            var call = state[head] switch
            {
                CreateRecord { Object: not CrmObject.CampaignMember } create => Creation(head, create),
                RemoveRecord { Object: not CrmObject.CampaignMember } remove => new PlannedCall(CallKind.Archive, HubSpotSchema.TypeOf(remove.Object)!, [new([head], remove.Id, NoProperties, [])]),
                _ => Change(head),
            };
            // Otherwise the write was refused without a call.
            if (call is not null)
                return call;
        }
    }

    private static readonly Dictionary<string, string?> NoProperties = [];

    private PlannedCall? Creation(int head, CreateRecord create)
    {
        if (HubSpotSchema.TypeOf(create.Object) is not { } type)
        {
            state.Refuse(head, new(CrmCodes.NotSupported, $"HubSpot keeps no {create.Object}"));
            return null;
        }
        if (NewInput(head, type) is not { } first)
            return null;
        var inputs = new List<WriteInput> { first };
        if (!state.IsAlone(head))
        {
            foreach (var i in state.Pending.Where(i => i > head).ToList())
            {
                if (inputs.Count < HubSpotClient.LargestBatch && !inputs.Exists(p => p.Writes.Contains(i)) && state[i] is CreateRecord other && HubSpotSchema.TypeOf(other.Object) == type
                    && MayGoAhead(i, []) && !state.IsAlone(i) && other.References.All(s => state.Resolve(RecordRef.CreatedBy(s)) is not null) && NewInput(i, type) is { } input)
                {
                    inputs.Add(input);
                }
            }
        }
        return state.IsOver ? null : new PlannedCall(CallKind.Create, type, inputs);
    }

    /// <summary>A record to be made, with what later writes put into it; null: refused.</summary>
    private WriteInput? NewInput(int write, string type)
    {
        var create = (CreateRecord)state[write];
        var properties = new Dictionary<string, string?> { [options.EffectProperty] = create.EffectKey };
        var links = new List<(string Type, string Id)>();
        if (create.RecordKey is { } key && type is HubSpotSchema.Contacts or HubSpotSchema.Companies)
            properties[options.KeyProperty] = create.RecordKey;
        Defaults(create.Object, type, properties);
        if (Fill(create.Object, type, create.Fields.Select(f => KeyValuePair.Create(f.Key, (string?)f.Value)), properties, links) is { } problem)
        {
            state.Refuse(write, problem);
            return null;
        }
        var writes = new List<int> { write };
        if (!state.IsAlone(write))
        {
            foreach (var i in state.Pending.Where(i => i > write && !state.IsAlone(i)).ToList())
            {
                var (more, linked) = (new Dictionary<string, string?>(properties), new List<(string, string)>(links));
                if (!GoesInWith(i, create, type, writes, more, linked))
                    continue;
                (properties, links) = (more, linked);
                writes.Add(i);
            }
        }
        return new WriteInput(writes, null, properties, links);
    }

    /// <summary>Puts a later write into a record that is about to be made, if it is about that record.</summary>
    private bool GoesInWith(
        int write, CreateRecord create, string type, List<int> together, Dictionary<string, string?> properties, List<(string Type, string Id)> links)
    {
        switch (state[write])
        {
            case UpdateRecord update when update.Target.Step == create.Step && HubSpotSchema.TypeOf(update.Object) == type && Resolvable(update.Fields):
                return Fill(update.Object, type, update.Fields, properties, links) is null;
            // The company that is made takes the contact in.
            case UpdateRecord { Object: CrmObject.Lead or CrmObject.Contact } update when type == HubSpotSchema.Companies && update.Fields.Count == 1
                && update.Fields.GetValueOrDefault(CrmFields.Account) is { } account && RecordRef.Parse(account).Step == create.Step && MayGoAhead(write, together)
                && state.Resolve(update.Target) is { } contact && state.Record(HubSpotSchema.Contacts, contact) is { } record && record[HubSpotSchema.PrimaryCompany] is null:
                links.Add((HubSpotSchema.Contacts, contact));
                return true;
            case CreateRecord { Object: CrmObject.CampaignMember } member when type == HubSpotSchema.Contacts && RecordRef.Parse(member.Fields.GetValueOrDefault(CrmFields.Lead, "")).Step == create.Step:
                properties[options.CampaignProperty] = string.Join(';', CampaignMembership.Values(properties.GetValueOrDefault(options.CampaignProperty)).Append(member.Fields[CrmFields.Campaign]).Distinct());
                return true;
            default:
                return false;
        }
    }

    private bool Resolvable(IReadOnlyDictionary<string, string?> fields) =>
        fields.All(f => !CrmFields.IsLink(f.Key) || string.IsNullOrEmpty(f.Value) || state.Resolve(f.Value) is not null);

    private PlannedCall? Change(int head)
    {
        if (state.Target(head) is not var (type, id))
        {
            state.Refuse(head, new(CrmCodes.InvalidReference, "the record that it is about is not known"));
            return null;
        }
        var (properties, writes) = (new Dictionary<string, string?>(), new List<int>());
        if (!state.ArePropertiesDone(head))
        {
            if (Properties(head, type, id, properties) is { } problem)
            {
                state.Refuse(head, problem);
                return null;
            }
            if (properties.Count > 0)
            {
                writes.Add(head);
                foreach (var i in state.IsAlone(head) ? [] : state.Pending.Where(i => i > head && !state.IsAlone(i)).ToList())
                {
                    var more = new Dictionary<string, string?>(properties);
                    if (state.Target(i) == (type, id) && state[i] is UpdateRecord or CreateRecord && MayGoAhead(i, writes) && !HasLinks(i) && Properties(i, type, id, more) is null)
                    {
                        properties = more;
                        writes.Add(i);
                    }
                }
                return new PlannedCall(CallKind.Update, type, [new WriteInput(writes, id, properties, [])]);
            }
        }
        return Links(head, type, id);
    }

    /// <summary>The next association that an update asks for; a former one goes first.</summary>
    private PlannedCall? Links(int head, string type, string id)
    {
        var update = (UpdateRecord)state[head];
        foreach (var (field, value) in update.Fields.Where(f => CrmFields.IsLink(f.Key)))
        {
            var wanted = state.Resolve(value);
            if (HubSpotSchema.LinkedType(field) is not { } to || !HubSpotSchema.AssociationTypes.ContainsKey((type, to)) || (wanted is null && !string.IsNullOrEmpty(value)))
            {
                state.Refuse(head, new(CrmCodes.InvalidReference, $"HubSpot links no {update.Object} by {field} to what is asked for"));
                return null;
            }
            var current = state.Record(type, id)![HubSpotSchema.LinkProperty(type, to)];
            if (current is not null && current != wanted)
                return new PlannedCall(CallKind.Unlink, type, [new([head], id, NoProperties, [(to, current)])]);
            if (wanted is not null && current != wanted)
                return new PlannedCall(CallKind.Link, type, [new([head], id, NoProperties, [(to, wanted)])]);
        }
        state.Done(head, id, schema.Version(update.Object, state.Record(type, id)!));
        return null;
    }

    private CrmOutcome.Refused? Properties(int write, string type, string id, Dictionary<string, string?> properties)
    {
        switch (state[write])
        {
            case UpdateRecord update:
                return Fill(update.Object, type, update.Fields.Where(f => !CrmFields.IsLink(f.Key)), properties, []);
            case CreateRecord member:
                // A leading semicolon adds to what is there: whatever a person has chosen meanwhile stays.
                properties[options.CampaignProperty] = properties.GetValueOrDefault(options.CampaignProperty) + ";" + member.Fields[CrmFields.Campaign];
                return null;
            case RemoveRecord remove:
                var (_, gone) = CampaignMembership.Parse(remove.Id)!.Value;
                properties[options.CampaignProperty] = string.Join(';', CampaignMembership.Values(state.Record(type, id)![options.CampaignProperty]).Where(c => c != gone));
                return null;
            default:
                return new(CrmCodes.NotSupported, $"HubSpot has no {state[write].GetType().Name}");
        }
    }

    /// <summary>Turns fields into properties and associations; answers why it cannot.</summary>
    private CrmOutcome.Refused? Fill(
        CrmObject kind, string type, IEnumerable<KeyValuePair<string, string?>> fields, Dictionary<string, string?> properties, List<(string Type, string Id)> links)
    {
        var title = "";
        foreach (var (field, value) in fields)
        {
            if (HubSpotSchema.LinkedType(field) is { } to)
            {
                if (string.IsNullOrEmpty(value))
                    continue;
                if (!HubSpotSchema.AssociationTypes.ContainsKey((type, to)) || state.Resolve(value) is not { } id)
                    return new(CrmCodes.InvalidReference, $"HubSpot links no {kind} by {field} to what is asked for");
                links.Add((to, id));
            }
            else if (field == CrmFields.Owner && value is not null && value.Contains('@', StringComparison.Ordinal))
            {
                if (owner(value) is not { } ownerId)
                    return new(CrmCodes.UnknownOwner, "no owner in HubSpot has this address");
                if (!schema.TryWrite(kind, field, ownerId, properties, out var unowned))
                    return unowned;
            }
            else if (field == CrmFields.Corrects)
            {
                title += $"Corrects entry {value}. ";
            }
            else if (kind == CrmObject.Note && field is CrmFields.Title or CrmFields.Subject)
            {
                title += $"{value}: ";
            }
            else if (!schema.TryWrite(kind, field, value, properties, out var problem))
            {
                return problem;
            }
        }
        if (title.Length > 0)
        {
            var body = type == HubSpotSchema.Notes ? "hs_note_body" : "hs_task_body";
            properties[body] = HubSpotText.UnderHeading(title.Trim(), properties.GetValueOrDefault(body));
        }
        return null;
    }

    private void Defaults(CrmObject kind, string type, Dictionary<string, string?> properties)
    {
        var today = now().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        if (type == HubSpotSchema.Deals)
            properties["pipeline"] = options.PipelineId;
        if (type is HubSpotSchema.Tasks or HubSpotSchema.Notes)
            properties["hs_timestamp"] = today;
        if (type != HubSpotSchema.Tasks)
            return;
        // HubSpot's word for a task that is neither a call nor an e-mail.
        properties["hs_task_type"] = "TODO";
        // An entry of the history is a task that is done: it stands in the contact's timeline, and goes with the plan's tasks in one call.
        properties["hs_task_status"] = kind == CrmObject.Activity ? "COMPLETED" : "NOT_STARTED";
    }

    private bool HasLinks(int write) => state[write] is UpdateRecord update && update.Fields.Keys.Any(CrmFields.IsLink);

    /// <summary>
    /// Whether a write may go with a call that comes before its turn: it passes no critical step, and no write of its own step, that has not been
    /// done, those in its own input apart, with which it is taken or refused as one.
    /// </summary>
    private bool MayGoAhead(int write, List<int> together) =>
        !state.Pending.Any(i => i < write && !together.Contains(i) && state.IsCritical(i))
        && (write == 0 || state[write - 1].Step != state[write].Step || !state.IsPending(write - 1) || together.Contains(write - 1));
}
