using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;

namespace LeadPipeline.Worker.Tests.Intake.Webhooks;

/// <summary>What each vendor's post becomes, read to the end: as a lead.</summary>
public sealed class VendorPayloadTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void Typeform_answers_are_named_by_their_fields()
    {
        var (lead, key) = One(new TypeformPayload(), VendorSamples.Body("typeform"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(key, Is.EqualTo("149d439536b3216fdaeeb975729fae92"));
            Assert.That(lead.Email, Is.EqualTo("gaelle.dostrel@kestrel-freight.example"));
            Assert.That((lead.FirstName, lead.LastName), Is.EqualTo(("Anne-Gaëlle", "D’Ostrel")));
            Assert.That(lead.Phone, Is.EqualTo("+33639981204"));
            Assert.That(lead.ReceivedAt, Is.EqualTo(new DateTimeOffset(2026, 4, 17, 6, 14, 5, TimeSpan.Zero)));
            Assert.That(lead.CustomFields, Is.EquivalentTo(new Dictionary<string, string>
            {
                ["Vans in use"] = "26–75",
                ["Systems today"] = "Spreadsheets, Other: whiteboard",
                ["Privacy notice read"] = "true",
                ["utm_source"] = "trade-fair",
                ["form"] = "Fleet quote",
            }));
        }
    }

    [TestCase("email", "short_text", "What is it?", "text", ExpectedResult = "typed@acme.example", Description = "its author has named the field")]
    [TestCase("5f0c", "short_text", "Your work email?", "text", ExpectedResult = "typed@acme.example")]
    [TestCase("5f0c", "email", "Como te llamas", "email", ExpectedResult = "typed@acme.example", Description = "the field is for addresses")]
    public string Typeform_finds_the_address_by_reference_question_or_kind(string reference, string kind, string title, string answer)
    {
        var body = new JsonObject
        {
            ["form_response"] = new JsonObject
            {
                ["token"] = "t",
                ["definition"] = new JsonObject { ["fields"] = new JsonArray(new JsonObject { ["id"] = "a", ["title"] = title, ["type"] = kind, ["ref"] = reference }) },
                ["answers"] = new JsonArray(new JsonObject { ["type"] = answer, [answer] = "typed@acme.example", ["field"] = new JsonObject { ["id"] = "a", ["type"] = kind, ["ref"] = reference } }),
            },
        };

        return One(new TypeformPayload(), body).Lead.Email;
    }

    [Test]
    public void Calendly_takes_the_company_from_the_questions()
    {
        var (lead, key) = One(new CalendlyPayload(), VendorSamples.Body("calendly"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(key, Is.EqualTo("https://api.calendly.com/scheduled_events/EVT-3318/invitees/INV-7702"));
            Assert.That(lead.Email, Is.EqualTo("tbarrow@north.tidewell.example"));
            Assert.That($"{lead.FirstName} {lead.LastName}", Does.StartWith("Tamsin").And.Contains("Barrow"));
            Assert.That(lead.Company, Is.EqualTo("Tidewell Ltd."));
            Assert.That(lead.Phone, Is.EqualTo("+44 7700 900846"));
            Assert.That(lead.CustomFields["utm_source"], Is.EqualTo("podcast"));
            Assert.That(lead.CustomFields["How many of you would use it?"], Is.EqualTo("some 140 of us"));
        }
    }

    [Test]
    public void Calendly_knows_an_appointment_that_was_moved()
    {
        var moved = VendorSamples.Body("calendly");
        moved["payload"]!["old_invitee"] = "https://api.calendly.com/scheduled_events/EVT-3318/invitees/INV-7702";
        moved["payload"]!["uri"] = "https://api.calendly.com/scheduled_events/EVT-3319/invitees/INV-7703";

        Assert.That(One(new CalendlyPayload(), moved).Key, Is.EqualTo(One(new CalendlyPayload(), VendorSamples.Body("calendly")).Key));
    }

    [Test]
    public void Webflow_labels_may_be_of_any_language()
    {
        var (lead, key) = One(new WebflowPayload(), VendorSamples.Body("webflow"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(key, Is.EqualTo("04dba41ecccc3fc1626e53a1"));
            Assert.That(lead.Email, Is.EqualTo("femke@zandvliet.example"));
            Assert.That((lead.FirstName, lead.LastName, lead.Company), Is.EqualTo(("Femke", "ter Zandvliet", (string?)null)));
            Assert.That(lead.CustomFields["Financiën al geregeld"], Is.EqualTo("false"));
        }
    }

    [Test]
    public void Webflow_bodies_of_the_first_version_are_read_too()
    {
        var (lead, key) = One(new WebflowPayload(), JsonNode.Parse("""{"name":"Contact","site":"s","data":{"E-Mail":"v1@acme.example","Name":"Vera One"},"d":"2026-01-02T03:04:05.678Z","_id":"5f1"}""")!);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(key, Is.EqualTo("5f1"));
            Assert.That((lead.Email, lead.FirstName, lead.LastName), Is.EqualTo(("v1@acme.example", "Vera", "One")));
            Assert.That(lead.ReceivedAt.Year, Is.EqualTo(2026));
        }
    }

    [Test]
    public void Google_Ads_columns_have_ids_and_perhaps_names()
    {
        var (lead, key) = One(new GoogleAdsPayload(), VendorSamples.Body("google-ads"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(key, Does.StartWith("LpDemo-847-"));
            Assert.That((lead.Email, lead.FirstName, lead.LastName, lead.Phone, lead.Company), Is.EqualTo(("ottoline@brandt-pumps.example", "Ottoline", "Brandt", "+12065550187", "Brandt Pumps")));
            Assert.That(lead.CustomFields["Which plan suits you?"], Is.EqualTo("€2k–€9k"));
            Assert.That(lead.CustomFields["campaign_id"], Is.EqualTo("980355127746"));
            Assert.That(lead.CustomFields, Does.Not.ContainKey("google_key").And.Not.ContainValue("demo-key"));
        }
    }

    [Test]
    public void Google_Ads_test_leads_go_no_further()
    {
        var body = VendorSamples.Body("google-ads");
        body["is_test"] = true;

        Assert.That(Map(new GoogleAdsPayload(), body), Is.InstanceOf<MappedPayload.Ignored>());
    }

    [Test]
    public void HubSpot_events_of_one_contact_are_one_lead()
    {
        var referred = (MappedPayload.Referred)Map(new HubSpotPayload(), VendorSamples.Body("hubspot"));

        Assert.That(referred.Mapped, Is.EqualTo(new[] { new ReferredLead("128850417293", "61203348/128850417293") }));
    }

    [TestCase("contact.deletion", null)]
    [TestCase("contact.propertyChange", "lifecyclestage")]
    [TestCase("company.creation", null)]
    [TestCase("object.creation", null)]
    public void HubSpot_events_of_other_things_are_ignored(string kind, string? property)
    {
        var body = new JsonArray(new JsonObject { ["subscriptionType"] = kind, ["objectId"] = 5, ["propertyName"] = property, ["objectTypeId"] = "0-2" });

        Assert.That(Map(new HubSpotPayload(), body), Is.InstanceOf<MappedPayload.Ignored>());
    }

    [Test]
    public void Meta_notifications_hold_several_leads_by_id()
    {
        var referred = (MappedPayload.Referred)Map(new MetaPayload(), VendorSamples.Body("facebook", "leadgen notification"));

        Assert.That(referred.Mapped.Select(r => r.Id), Is.EqualTo(new[] { "804417730213", "804417730214" }));
    }

    [TestCase("""{"leadgen_id":"../me?x=1"}""")]
    [TestCase("""{"leadgen_id":"1/2"}""")]
    [TestCase("""{"leadgen_id":{"a":1}}""")]
    [TestCase("""{"leadgen_id":-5}""")]
    [TestCase("""{"leadgen_id":1e3}""")]
    [TestCase("""{}""")]
    public void Meta_ids_are_digits_and_nothing_that_could_lead_elsewhere(string value)
    {
        var body = JsonNode.Parse($$"""{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{{value}}}]}]}""")!;

        Assert.That(Map(new MetaPayload(), body), Is.InstanceOf<MappedPayload.Ignored>());
    }

    [Test]
    public void Standard_data_is_a_lead_in_our_own_shape_at_the_time_of_the_event()
    {
        var (lead, key) = One(new StandardPayload(), JsonNode.Parse("""{"type":"lead.created","timestamp":"2026-05-06T07:08:09Z","data":{"email":"a@b.de","enrichment":{"employees":12},"x":{"y":1}}}""")!);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(key, Is.EqualTo("msg_1"));
            Assert.That(lead.ReceivedAt, Is.EqualTo(new DateTimeOffset(2026, 5, 6, 7, 8, 9, TimeSpan.Zero)));
            Assert.That(lead.Enrichment!.ToJsonString(), Is.EqualTo("""{"employees":12}"""));
            Assert.That(lead.CustomFields["x.y"], Is.EqualTo("1"));
        }
    }

    [Test]
    public void Standard_data_may_be_several_leads()
    {
        var leads = (MappedPayload.Leads)Map(new StandardPayload(), JsonNode.Parse("""{"data":[{"email":"a@b.de"},{"email":"c@d.de"}]}""")!);

        Assert.That(leads.Mapped.Select(l => l.Key), Is.EqualTo(new[] { "msg_1#0", "msg_1#1" }));
    }

    [Test]
    public void Marketo_payloads_use_our_names_or_their_own()
    {
        var (lead, key) = One(new MarketoPayload(), JsonNode.Parse("""{"email":"m@acme.example","First Name":"Mia","companyName":"Acme","externalId":"77","score":"81","phone":"","customFields":{"a":"b"},"enrichment":{"employees":5}}""")!);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(key, Is.Null);
            Assert.That((lead.Email, lead.FirstName, lead.Company, lead.ExternalId, lead.Phone), Is.EqualTo(("m@acme.example", "Mia", "Acme", "77", (string?)null)));
            Assert.That(lead.CustomFields, Is.EquivalentTo(new Dictionary<string, string> { ["score"] = "81", ["a"] = "b" }));
            Assert.That(lead.Enrichment, Is.Not.Null);
        }
    }

    [TestCase("email", ExpectedResult = "email")]
    [TestCase("E-Mail *", ExpectedResult = "email")]
    [TestCase("Your *full* name?\n", ExpectedResult = "name")]
    [TestCase("What company do you work for?", ExpectedResult = "company")]
    [TestCase("What’s your job title?", ExpectedResult = "title")]
    [TestCase("Voornaam", ExpectedResult = "firstName")]
    [TestCase("ваш телефон", ExpectedResult = null)]
    [TestCase("What is your company size?", ExpectedResult = null)]
    [TestCase("Can we contact you?", ExpectedResult = null)]
    [TestCase("id", ExpectedResult = null, Description = "a person cannot name the lead's id")]
    [TestCase("leadId", ExpectedResult = null)]
    [TestCase("source", ExpectedResult = null)]
    [TestCase("createdAt", ExpectedResult = null)]
    [TestCase("", ExpectedResult = null)]
    [TestCase("?", ExpectedResult = null)]
    public string? Labels_mean_what_a_person_would_take_them_for(string label) => FieldLabels.Field(label);

    private static MappedPayload Map(IPayloadMapping mapping, JsonNode body) => mapping.Map(VendorSamples.Element(body), name => name == "webhook-id" ? "msg_1" : null);

    private static (Lead Lead, string? Key) One(IPayloadMapping mapping, JsonNode body)
    {
        var mapped = ((MappedPayload.Leads)Map(mapping, body)).Mapped.Single();
        var read = LeadReader.Read(mapped.Lead, new LeadOrigin("test"), Now);
        Assert.That(read, Is.InstanceOf<ReadLead.Accepted>(), () => string.Join("; ", ((ReadLead.Refused)read).Errors));
        return (((ReadLead.Accepted)read).Lead, mapped.Key);
    }
}
