/*
 * dkim_keys.h - keys for tests alone, made once with openssl: private ones as
 * PEM, public ones as the p= of a key record.
 */
#ifndef PRESEND_T_DKIM_KEYS_H
#define PRESEND_T_DKIM_KEYS_H

#define RSA2048_PRIVATE \
	"-----BEGIN RSA PRIVATE KEY-----\n" \
	"MIIEogIBAAKCAQEAsL44KGXoZ9ObUScu56/DaV3BEl12cDo0dcUQy3p3vkMnfex0\n" \
	"dQqXOwKAOradAC0pMx2jclty/KKkuBR5LjkzQrMlKe7LsqU5Ras+AQmdNfvBz+tx\n" \
	"8row2VqFD3yJHFM4irjL3VQvcb5ytjk2nMth/5digS8sEaC7m4MJyxC9KPQu8rAn\n" \
	"eY4rm78fmsfRS+DRUOakY7kVA4ZlLMde3/0+DCSajbPM9PXaCrLVMx5LhM8OPljq\n" \
	"hVeJlqvO9F01FQkMWd84oEWWMGeYzRjLmoXLCgP8nDHQjanqOImSJGNdMuhLSNn9\n" \
	"8UlLSW87eIc+BSy6BmI+ZZqxuJSrOt4GWSu0eQIDAQABAoIBAAH6+lQcODYZnTmT\n" \
	"5Sb8GttuYoBwgv2PmWY3FrtrnDXfOMJkyN/wMMZHfo+p235/WGErPtlELw389eLe\n" \
	"JTF1u0j5tZE6YhaWsAVDfZwIszXso+ekLWWuh7ztEmVHBvObTHHkJNyjry2+GDj0\n" \
	"e9PWmjrWmRL2KASWjCOaR0d64N5kQTvpw43m+Mis0ki4RLbiQ83brK2h/tz8NN/J\n" \
	"tmShL0LIFcmCmUg94j8faPR2Bhqy02e0VuJlLbiRvseXn1s7QDsRuN6m/e6Pbo3U\n" \
	"/0aNAdnDdfzPpo0JO/sO/ml5j2HTaaTyuatCfMFBSAYVeNeAYMVjPPg/Q+Yrtx95\n" \
	"IE45sZUCgYEA9AGpB7YZN19Xuyr0OjjLs5PVn8EMC4cq0f2QxEjgcMURdnlhhcjY\n" \
	"dlNbns5hpIC3jGFfHvVAHAeC6J6bVAYvnfT6IV8Ixw1RyiEfboY7CdiG/7SQWnh0\n" \
	"4RkF05PCma2a0N6zjm1yOufho4jY17K0pKSzywWbwN1nn5khxh8lPR8CgYEAuW4u\n" \
	"eItg9cDmL7kxGaLV5KORHyOpQwOYobZFh/6Q7dOtuluJboFZ/p2L8UvgXNuPgtcj\n" \
	"bHu70VnkN4+agOQbRk7VE2fdqnTETsEMJryTIHH9XX4gWOiLBYjr7r4wrPVlXmZN\n" \
	"f3C6WzDZuhbm5rzz3PzP6M4xUqpFlBtueHavQ2cCgYAPhpOExBdyqIRiimcj1T1Q\n" \
	"3dU35wanLSCSX/n4I1L0mfV0fmCwLIlpbgBkaGlaGD6VlhSBWcWMgwXXW1Ay1nnt\n" \
	"KQtJWEysrbJIlDb1x2C2Taq5Vnng5804DWmLftlhAeTZ6XGvXFNqYBrBVxHFF7/a\n" \
	"wggWoPK6INxZEVtOyeiKrQKBgB8csYdgO2CAgR64v9hBTgoSt6K15QxtagqX/oqW\n" \
	"19JPlfKSsThtU6A45uYRiQ+Ld0TIvBTTneu+XWBFI/NEUp81UuLypmqXNOjR0ywc\n" \
	"r8Ld3Vj2dI72VX0UQCHKn3glpGB2YcJkM6BhTea/OPa19WS6tlelYPkxwILdJ2fm\n" \
	"4fk5AoGAA+9bo/fUudP80ewrEv3jNAlpkf2hYThY08KP/f5+tonJ9VVWbFCn8c56\n" \
	"OeRzqhKk7p6zC19h823m3S0CqORNulL68PPHB1vwRC/bDeFK0O8iG18HnsAURJ3p\n" \
	"lOOFV81yho06X4WtdpYGIG5yorNqX83FjmG0rrhexox04+7bdRo=\n" \
	"-----END RSA PRIVATE KEY-----\n"
#define RSA2048_PUBLIC \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsL44KGXoZ9ObUScu56/D" \
	"aV3BEl12cDo0dcUQy3p3vkMnfex0dQqXOwKAOradAC0pMx2jclty/KKkuBR5Ljkz" \
	"QrMlKe7LsqU5Ras+AQmdNfvBz+tx8row2VqFD3yJHFM4irjL3VQvcb5ytjk2nMth" \
	"/5digS8sEaC7m4MJyxC9KPQu8rAneY4rm78fmsfRS+DRUOakY7kVA4ZlLMde3/0+" \
	"DCSajbPM9PXaCrLVMx5LhM8OPljqhVeJlqvO9F01FQkMWd84oEWWMGeYzRjLmoXL" \
	"CgP8nDHQjanqOImSJGNdMuhLSNn98UlLSW87eIc+BSy6BmI+ZZqxuJSrOt4GWSu0" \
	"eQIDAQAB"

#define RSA1024_PRIVATE \
	"-----BEGIN RSA PRIVATE KEY-----\n" \
	"MIICWwIBAAKBgQDMITTQAMg4GIOdLRrx/zOhLiQVOC52W7wVbY0u0kvksQXfLhmC\n" \
	"7owHF0gMQE8XH0CXqTZLB1ZJY6QK0BeheZoBUlL/YpedS6IF5VZ7m+p+kRU23Arr\n" \
	"3evlyOeW1rh9Ahfq3fafZdEH3ELj3y0IykNW3gZVZrG8Pjm6L7O8oVEYVQIDAQAB\n" \
	"AoGAS1rCxTpUryiVhXM+LDF6XLjMxyyLMlQg9YQQh0VIkO6sbTv2XPg0pvV4OlWP\n" \
	"HMkDrjjf+wiFWOg4iWlSH+Dk8YkpnCpZ+PJWeTWBEamIEQDl/jbE6Ml748RNQLTw\n" \
	"HlLY3tXhQCATcLpnLyQFbh2gvIukJfViXVeeAGfsnDg3FQECQQDnR8UpCgB55Wgn\n" \
	"SC2q1lojp/C7a9Pnj5GJB8yojn9kpJCJxfLT8wvh/t2VaMd1acUN2u2rJ/rncQSp\n" \
	"YODLJ2RBAkEA4fKMOMozEwf+V4HE0b/gJRoR4M186Algo3UIPT6fOk9OBm+SJ5yP\n" \
	"fIPmVxfmrbG/0V5Wq2BqeZ1rbDgATXIfFQJAOzd5F8Tj0lIWlNg6OR+g/LgnPxWg\n" \
	"sA1mafuBPzcdDxvDlkMEpZf5Vuf2vCaTy1BFkAKaD9SwvUmGtAeGBv4TAQJAXZC2\n" \
	"VnINEm11+sDHQ2CkrliMXL5bYi838JhvMAV1pIzgr7OWH4cquBJa2WgRY44+87GQ\n" \
	"TGmhzfjNWkQag/elPQJAAakd7/P08JST4HqnjWomtQMLFpBn3+cB+tJx4cIAwLz0\n" \
	"bl8YBo+7h19MNLG0C6+bSgnH1a1+TBtGRQZGb44hPw==\n" \
	"-----END RSA PRIVATE KEY-----\n"
#define RSA1024_PUBLIC \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDMITTQAMg4GIOdLRrx/zOhLiQV" \
	"OC52W7wVbY0u0kvksQXfLhmC7owHF0gMQE8XH0CXqTZLB1ZJY6QK0BeheZoBUlL/" \
	"YpedS6IF5VZ7m+p+kRU23Arr3evlyOeW1rh9Ahfq3fafZdEH3ELj3y0IykNW3gZV" \
	"ZrG8Pjm6L7O8oVEYVQIDAQAB"

#define RSA768_PRIVATE \
	"-----BEGIN RSA PRIVATE KEY-----\n" \
	"MIIBygIBAAJhAKdIzhgHt3Dl6kLJ0zjH/mR3o1el9nXy82NHxx7QEscV5eaRyd9w\n" \
	"br+ebU/b0/dLM71VJQIRmDyY+tnLBwALTgcVad0ePgY7JS8jTQEsXlM8I7pNRvOV\n" \
	"7UMjOVyIPY6RiQIDAQABAmBO4rVVfaYS1kkfT7+MgjtDs2tStM/BlV0TD1EmBacl\n" \
	"PP1aOpvBA2smb5ZK13ZgopQzSaR1mjvzwqdja3DkWCPpJv+yVedN6Jcd6t5RtQgi\n" \
	"ZQkLResJJ07xhSJWGiuZbvUCMQDVkYU3HSXf+K043FcQDq8LD7v/ZNXK26wqNMWU\n" \
	"cMTCnt/ocdkbez4LqpnW9iW+Vg8CMQDIhTGlTyM65jS+mufm90JweL7tX/+jbBaV\n" \
	"NGf+GJ2z/dRpwEX7zZTPeukaB96cducCMQCUaOlv4Tt+pqqJRuThbbLKNwbndUT0\n" \
	"ES9UrRNYEf1JWWozd1nttPjq1oTNUoPr/pUCMCg4FvoaQm246NFmTqdT5t6aSWlh\n" \
	"POwxbOImbclYdKE6g1VmvGLCHFv1QjX3aB4n9wIwXRnjHeyLdfKpcsJl86ek8RuL\n" \
	"5qMk8JhlPObOpPsi+E01Ncfp7wFOukuOiJ35noCc\n" \
	"-----END RSA PRIVATE KEY-----\n"
#define RSA768_PUBLIC \
	"MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAKdIzhgHt3Dl6kLJ0zjH/mR3o1el9nXy" \
	"82NHxx7QEscV5eaRyd9wbr+ebU/b0/dLM71VJQIRmDyY+tnLBwALTgcVad0ePgY7" \
	"JS8jTQEsXlM8I7pNRvOV7UMjOVyIPY6RiQIDAQAB"

/* The private one is not kept: what it has signed stands in test_dkim.c. */
#define ED25519_PUBLIC \
	"LyIVIkGJMyHilWawMq9MFe37RWWBu9blp0Ntqaezs9M="

/* another pair: of the one above the private key is not needed */
#define SIGNER_ED25519_PRIVATE \
	"-----BEGIN PRIVATE KEY-----\n" \
	"MC4CAQAwBQYDK2VwBCIEIOjgAyii+O0jzRvJpqyDkLllETWOcNc3YrLahfJ3Tjis\n" \
	"-----END PRIVATE KEY-----\n"
#define SIGNER_ED25519_PUBLIC \
	"k+CRpCST4WtKKcNuWizSOGy9kPxZjNtp6NI6yL/fUg4="

#define ED25519_B_PRIVATE \
	"-----BEGIN PRIVATE KEY-----\n" \
	"MC4CAQAwBQYDK2VwBCIEINbI5VowgGxBK1bpCOfHk+e1u0hq1tZKdTBUIqkE25UK\n" \
	"-----END PRIVATE KEY-----\n"
#define ED25519_B_PUBLIC \
	"ygdzmgJv27D65iYEkk7xo5vmivmnGvnZDVQEP5mmmiE="

#endif
