using System.Net;
using System.Text;
using System.Text.Json;
using LeadPipeline.Worker.Intake.Webhooks.Lookups;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;

namespace LeadPipeline.Worker.Tests.Intake.Webhooks;

public sealed class LookupTests
{
    [Test]
    public async Task HubSpot_contacts_are_read_a_hundred_at_a_time()
    {
        var vendor = new Vendor(request => (HttpStatusCode.OK, $$"""{"results":[{{string.Join(',', Ids(request).Select(id => $$$"""{"id":"{{{id}}}","properties":{"email":"c{{{id}}}@acme.example","firstname":"C","jobtitle":"CTO","phone":null,"mobilephone":"123"}}"""))}}]}"""));

        var found = (LookupResult.Found)await new HubSpotLookup(vendor.Reader("https://api.example")).FindAsync([.. Enumerable.Range(1, 150).Select(i => i.ToString())], default);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(vendor.Asked, Is.EqualTo(Enumerable.Repeat("POST https://api.example/crm/objects/2026-03/contacts/batch/read", 2)));
            Assert.That(vendor.Tokens, Is.All.EqualTo("Bearer t0ken"));
            Assert.That(found.Leads, Has.Count.EqualTo(150));
            Assert.That(found.Leads["7"].Text("email"), Is.EqualTo("c7@acme.example"));
            Assert.That(found.Leads["7"].Text("title"), Is.EqualTo("CTO"));
            Assert.That(found.Leads["7"].Text("phone"), Is.EqualTo("123"));
            Assert.That(found.Leads["7"].Text("externalId"), Is.EqualTo("7"));
        }
    }

    [Test]
    public async Task Meta_leads_are_read_one_by_one()
    {
        var vendor = new Vendor(_ => (HttpStatusCode.OK, VendorSamples.Body("facebook", "lead retrieval").ToJsonString()));

        var found = (LookupResult.Found)await new MetaLookup(vendor.Reader("https://graph.example/v24.0")).FindAsync(["804417730213"], default);
        var lead = found.Leads["804417730213"];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(vendor.Asked, Is.EqualTo(new[] { "GET https://graph.example/v24.0/804417730213?fields=created_time,ad_id,form_id,campaign_id,field_data" }), "the token is in no address");
            Assert.That(lead.Text("email"), Is.EqualTo("ingmar@solvang-marine.example"));
            Assert.That(lead.Text("name"), Is.EqualTo("Ingmar Solvang"));
            Assert.That(lead.Text("phone"), Is.EqualTo("+1 (555) 010-0164"));
            Assert.That(lead.Text("company"), Is.EqualTo("Solvang Marine LLC"));
            Assert.That(lead.Text("receivedAt"), Does.StartWith("2026-02-25T09:30:07"));
            Assert.That(lead.Text("customFields", "what_should_we_bring_along?"), Is.EqualTo("prices, samples"));
            Assert.That(lead.Text("customFields", "номер_для_связи"), Is.EqualTo("+12025550146"));
        }
    }

    [TestCase(404, "{}")]
    [TestCase(400, """{"error":{"code":100,"error_subcode":33}}""")]
    public async Task What_the_vendor_does_not_know_is_not_found(int status, string body)
    {
        var result = await new MetaLookup(new Vendor(_ => ((HttpStatusCode)status, body)).Reader("https://graph.example")).FindAsync(["1"], default);

        Assert.That(((LookupResult.Found)result).Leads, Is.Empty);
    }

    [TestCase(429, "{}")]
    [TestCase(500, "{}")]
    [TestCase(403, "{}")]
    [TestCase(401, "{}")]
    [TestCase(400, """{"error":{"code":4}}""")]
    [TestCase(400, "")]
    [TestCase(200, "not json")]
    public async Task What_the_vendor_does_not_answer_now_is_asked_again_later(int status, string body)
    {
        var reader = new Vendor(_ => ((HttpStatusCode)status, body)).Reader("https://vendor.example");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await new MetaLookup(reader).FindAsync(["1"], default), Is.InstanceOf<LookupResult.NotNow>());
            Assert.That(await new HubSpotLookup(reader).FindAsync(["1"], default), Is.InstanceOf<LookupResult.NotNow>());
        }
    }

    private static IEnumerable<string> Ids(string request) => JsonElement.Parse(request).At("inputs").Items().Select(i => i.Text("id")!);

    private sealed class Vendor(Func<string, (HttpStatusCode, string)> answer) : HttpMessageHandler
    {
        public List<string> Asked { get; } = [];

        public List<string> Tokens { get; } = [];

        public VendorReader Reader(string address) => new("test", new Uri(address), "t0ken", new HttpClient(this), TimeProvider.System);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked.Add($"{request.Method} {request.RequestUri}");
            Tokens.Add(request.Headers.Authorization!.ToString());
            var (status, body) = answer(request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken));
            return new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        }
    }
}
