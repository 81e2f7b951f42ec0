___TERMS_OF_SERVICE___

By creating or modifying this file you agree to Google Tag Manager's Community
Template Gallery Developer Terms of Service available at
https://developers.google.com/tag-manager/gallery-tos (or such other URL as
Google may provide), as modified from time to time.


___INFO___

{
  "type": "TAG",
  "id": "cvt_temp_public_id",
  "version": 1,
  "securityGroups": [],
  "displayName": "Ringpool",
  "categories": [
    "ATTRIBUTION",
    "CONVERSIONS",
    "ANALYTICS"
  ],
  "brand": {
    "id": "brand_dummy",
    "displayName": "Ringpool"
  },
  "description": "Shows each visitor the phone number of the campaign that brought him, from a Ringpool service that you run yourself.",
  "containerContexts": [
    "WEB"
  ]
}


___TEMPLATE_PARAMETERS___

[
  {
    "type": "TEXT",
    "name": "service",
    "displayName": "Service",
    "simpleValueType": true,
    "help": "The address of your Ringpool service: https://numbers.example",
    "valueValidators": [
      {
        "type": "NON_EMPTY"
      },
      {
        "type": "REGEX",
        "args": [
          "^https://[^\\s?#]+$"
        ],
        "errorMessage": "An address that begins with https://, without ? and #"
      }
    ]
  },
  {
    "type": "TEXT",
    "name": "account",
    "displayName": "Account",
    "simpleValueType": true,
    "help": "The account's id, as `ringpool snippet` has it in its tag",
    "valueValidators": [
      {
        "type": "NON_EMPTY"
      },
      {
        "type": "REGEX",
        "args": [
          "^[a-z0-9][a-z0-9-]{0,62}$"
        ],
        "errorMessage": "a-z, 0-9 and -, 63 characters at most"
      }
    ]
  },
  {
    "type": "RADIO",
    "name": "consent",
    "displayName": "Consent",
    "simpleValueType": true,
    "defaultValue": "mode",
    "radioItems": [
      {
        "value": "mode",
        "displayValue": "Google Consent Mode",
        "help": "Something is stored while ad_storage and analytics_storage are granted, or not set"
      },
      {
        "value": "required",
        "displayValue": "The page's own banner",
        "help": "Nothing is stored before the page calls ringpool('consent', true)"
      }
    ]
  },
  {
    "type": "CHECKBOX",
    "name": "clickToCall",
    "checkboxText": "On phones, swapped numbers become links that dial",
    "simpleValueType": true
  },
  {
    "type": "GROUP",
    "name": "more",
    "displayName": "More attributes of the tag",
    "groupStyle": "ZIPPY_CLOSED",
    "subParams": [
      {
        "type": "SELECT",
        "name": "format",
        "displayName": "Format",
        "simpleValueType": true,
        "defaultValue": "",
        "macrosInSelect": false,
        "selectItems": [
          {
            "value": "",
            "displayValue": "As the pool says"
          },
          {
            "value": "national",
            "displayValue": "National"
          },
          {
            "value": "international",
            "displayValue": "International"
          },
          {
            "value": "e164",
            "displayValue": "E.164"
          }
        ]
      },
      {
        "type": "TEXT",
        "name": "targets",
        "displayName": "Targets",
        "simpleValueType": true,
        "help": "Only these of the account's numbers: +18005550100,+442071838750"
      },
      {
        "type": "TEXT",
        "name": "selector",
        "displayName": "Selector",
        "simpleValueType": true,
        "help": "A CSS selector of elements whose number, whatever it is, is swapped as the first target"
      },
      {
        "type": "TEXT",
        "name": "hideUntil",
        "displayName": "Hide until swapped",
        "simpleValueType": true,
        "help": "A CSS selector of what is invisible until the answer is there"
      },
      {
        "type": "TEXT",
        "name": "show",
        "displayName": "Show",
        "simpleValueType": true,
        "help": "A CSS selector of what is shown only while a number is swapped in"
      },
      {
        "type": "TEXT",
        "name": "hide",
        "displayName": "Hide",
        "simpleValueType": true,
        "help": "A CSS selector of what is removed while a number is swapped in"
      },
      {
        "type": "TEXT",
        "name": "invisible",
        "displayName": "Make invisible",
        "simpleValueType": true,
        "help": "A CSS selector of what is invisible, in its place, while a number is swapped in"
      },
      {
        "type": "TEXT",
        "name": "params",
        "displayName": "Parameters",
        "simpleValueType": true,
        "help": "What this page adds to the parameter tuple: section=footer&path=home"
      },
      {
        "type": "TEXT",
        "name": "cookies",
        "displayName": "Cookies",
        "simpleValueType": true,
        "help": "Names of cookies to send, with consent: _ga,_fbp"
      },
      {
        "type": "TEXT",
        "name": "days",
        "displayName": "Days",
        "simpleValueType": true,
        "help": "How long first and last touch are kept; empty: 30",
        "valueValidators": [
          {
            "type": "REGEX",
            "args": [
              "^\\d{0,4}$"
            ],
            "errorMessage": "A number of days"
          }
        ]
      },
      {
        "type": "TEXT",
        "name": "timeout",
        "displayName": "Timeout",
        "simpleValueType": true,
        "help": "How long the number is hidden, in ms; empty: 1500",
        "valueValidators": [
          {
            "type": "REGEX",
            "args": [
              "^\\d{0,6}$"
            ],
            "errorMessage": "A number of milliseconds"
          }
        ]
      },
      {
        "type": "TEXT",
        "name": "attributes",
        "displayName": "Further attributes to swap",
        "simpleValueType": true,
        "help": "Names with commas, such as those that a script dials: data-phone,data-dial"
      },
      {
        "type": "CHECKBOX",
        "name": "jsonld",
        "checkboxText": "Swap numbers in JSON-LD, too",
        "simpleValueType": true
      },
      {
        "type": "CHECKBOX",
        "name": "debug",
        "checkboxText": "Write a report to the console",
        "simpleValueType": true
      }
    ]
  }
]


___SANDBOXED_JS_FOR_WEB_TEMPLATE___

// Loads the page script. A tag manager loads a script by its address alone, so what would be
// data- attributes of its tag goes into the address: the service puts it into the script.
const addConsentListener = require('addConsentListener');
const callInWindow = require('callInWindow');
const copyFromWindow = require('copyFromWindow');
const createArgumentsQueue = require('createArgumentsQueue');
const encodeUriComponent = require('encodeUriComponent');
const injectScript = require('injectScript');
const isConsentGranted = require('isConsentGranted');
const logToConsole = require('logToConsole');
const makeString = require('makeString');
const queryPermission = require('queryPermission');

const texts = [
  ['format', 'data-format'],
  ['targets', 'data-targets'],
  ['selector', 'data-selector'],
  ['hideUntil', 'data-hide-until'],
  ['show', 'data-show'],
  ['hide', 'data-hide'],
  ['invisible', 'data-invisible'],
  ['params', 'data-params'],
  ['cookies', 'data-cookies'],
  ['attributes', 'data-attributes'],
  ['days', 'data-days'],
  ['timeout', 'data-timeout']
];
const switches = [
  ['clickToCall', 'data-click-to-call'],
  ['jsonld', 'data-jsonld'],
  ['debug', 'data-debug']
];

const address = () => {
  let service = makeString(data.service);
  while (service.charAt(service.length - 1) === '/') {
    service = service.substring(0, service.length - 1);
  }
  let made = service + '/dni.js?account=' + encodeUriComponent(makeString(data.account));
  texts.forEach(text => {
    const value = data[text[0]];
    if (value) made = made + '&' + text[1] + '=' + encodeUriComponent(makeString(value));
  });
  switches.forEach(name => {
    if (data[name[0]]) made = made + '&' + name[1] + '=';
  });
  if (data.consent === 'required') made = made + '&data-consent=required';
  return made;
};

// A consent banner that is a template, too, tells Tag Manager and not the page's data layer, where
// the script would read it: so it is told, now and whenever it changes.
const followConsentMode = () => {
  if (!copyFromWindow('ringpool')) createArgumentsQueue('ringpool', 'ringpool.q');
  const tell = () => {
    const granted = isConsentGranted('ad_storage') && isConsentGranted('analytics_storage');
    callInWindow('ringpool', 'consent', granted);
  };
  tell();
  addConsentListener('ad_storage', tell);
  addConsentListener('analytics_storage', tell);
};

const script = address();
if (queryPermission('inject_script', script)) {
  if (data.consent !== 'required') followConsentMode();
  injectScript(script, data.gtmOnSuccess, data.gtmOnFailure, 'ringpool');
} else {
  logToConsole('Ringpool: the template may not load ' + script + '. See its permissions.');
  data.gtmOnFailure();
}


___WEB_PERMISSIONS___

[
  {
    "instance": {
      "key": {
        "publicId": "inject_script",
        "versionId": "1"
      },
      "param": [
        {
          "key": "urls",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 1,
                "string": "https://*/*"
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "access_globals",
        "versionId": "1"
      },
      "param": [
        {
          "key": "keys",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "ringpool"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "key"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  },
                  {
                    "type": 1,
                    "string": "execute"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "ringpool.q"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "access_consent",
        "versionId": "1"
      },
      "param": [
        {
          "key": "consentTypes",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "ad_storage"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              },
              {
                "type": 3,
                "mapKey": [
                  {
                    "type": 1,
                    "string": "consentType"
                  },
                  {
                    "type": 1,
                    "string": "read"
                  },
                  {
                    "type": 1,
                    "string": "write"
                  }
                ],
                "mapValue": [
                  {
                    "type": 1,
                    "string": "analytics_storage"
                  },
                  {
                    "type": 8,
                    "boolean": true
                  },
                  {
                    "type": 8,
                    "boolean": false
                  }
                ]
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "logging",
        "versionId": "1"
      },
      "param": [
        {
          "key": "environments",
          "value": {
            "type": 1,
            "string": "debug"
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  }
]


___TESTS___

scenarios:
- name: The script is loaded from the service, with its account
  code: |-
    runCode(settings);
    assertThat(loaded).isEqualTo(['https://numbers.example/dni.js?account=acme']);
    assertApi('gtmOnSuccess').wasCalled();
    assertApi('gtmOnFailure').wasNotCalled();
- name: What is set goes into the address
  code: |-
    settings.service = 'https://www.shop.example/numbers//';
    settings.clickToCall = true;
    settings.hideUntil = '.phone b';
    settings.params = 'section=footer&path=/';
    settings.days = 7;
    settings.jsonld = false;
    settings.debug = true;
    runCode(settings);
    assertThat(loaded).isEqualTo(['https://www.shop.example/numbers/dni.js?account=acme' +
      '&data-hide-until=.phone%20b&data-params=section%3Dfooter%26path%3D%2F&data-days=7' +
      '&data-click-to-call=&data-debug=']);
- name: A script that doesn't load is a failure
  code: |-
    mock('injectScript', (url, onSuccess, onFailure) => {
      onFailure();
    });
    runCode(settings);
    assertApi('gtmOnFailure').wasCalled();
    assertApi('gtmOnSuccess').wasNotCalled();
- name: A host that the permissions leave out is told, and nothing is loaded
  code: |-
    mock('queryPermission', false);
    runCode(settings);
    assertApi('injectScript').wasNotCalled();
    assertApi('logToConsole').wasCalled();
    assertApi('gtmOnFailure').wasCalled();
- name: The script is told what Consent Mode says, and told again when that changes
  code: |-
    runCode(settings);
    assertApi('createArgumentsQueue').wasCalledWith('ringpool', 'ringpool.q');
    assertThat(told).isEqualTo([['ringpool', 'consent', false]]);
    consent.analytics_storage = true;
    listeners.analytics_storage('analytics_storage', true);
    assertThat(told[1]).isEqualTo(['ringpool', 'consent', true]);
    consent.ad_storage = false;
    listeners.ad_storage('ad_storage', false);
    assertThat(told[2]).isEqualTo(['ringpool', 'consent', false]);
- name: A script that runs already is told, too
  code: |-
    mock('copyFromWindow', name => name === 'ringpool' ? () => {} : undefined);
    runCode(settings);
    assertApi('createArgumentsQueue').wasNotCalled();
    assertThat(told.length).isEqualTo(1);
- name: The page's own banner decides
  code: |-
    settings.consent = 'required';
    runCode(settings);
    assertThat(loaded).isEqualTo([
      'https://numbers.example/dni.js?account=acme&data-consent=required']);
    assertApi('callInWindow').wasNotCalled();
    assertApi('addConsentListener').wasNotCalled();
setup: |-
  const settings = {
    service: 'https://numbers.example',
    account: 'acme',
    consent: 'mode'
  };
  const loaded = [];
  const told = [];
  const consent = { ad_storage: true, analytics_storage: false };
  const listeners = {};
  mock('copyFromWindow', () => undefined);
  mock('createArgumentsQueue', () => {});
  mock('callInWindow', (name, command, value) => {
    told.push([name, command, value]);
  });
  mock('isConsentGranted', type => consent[type]);
  mock('addConsentListener', (type, listener) => {
    listeners[type] = listener;
  });
  mock('injectScript', (url, onSuccess, onFailure) => {
    loaded.push(url);
    onSuccess();
  });


___NOTES___

Part of Ringpool. The permission "Injects scripts" names every host, since the service is yours:
narrow it to that host.
